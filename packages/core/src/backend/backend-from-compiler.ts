import { DdclError } from '../errors/ddcl-error.ts';
import { allocate } from '../program/dtype.ts';
import { formatType, isConcrete, requireConcrete, tensorType, type ConcreteType } from '../program/tensor-type.ts';
import { BufferTable } from './buffers.ts';
import { checkProgram, checkUpload } from './check-program.ts';
import { CompiledExecutable, type Runtime } from './compiled-executable.ts';
import type { CompilerBackendOptions } from './compiler.ts';
import type { Backend, DeviceBuffer } from './contract.ts';
import { Loss } from './loss.ts';
import { workRunner } from './piece-runner.ts';

/**
 * A whole backend out of a function that compiles a concrete program: types are checked, symbols bound by the inputs, composites that the
 * backend does not name decomposed, buffers tracked, donated, borrowed and told of a lost device.
 *
 * @throws DdclError `argument` if only one of `wrap` and `unwrap` is there
 */
export function backendFromCompiler<Native extends object>(options: CompilerBackendOptions<Native>): Backend {
  const { name, capabilities, wrap, unwrap } = options;
  if ((wrap === undefined) !== (unwrap === undefined))
    throw new DdclError('argument', `The backend '${name}' has one of wrap and unwrap. They come together.`);
  const buffers = new BufferTable<Native>(name);
  const loss = new Loss(name, options.lost);
  let disposed = false;
  const requireAlive = (use: string): void => {
    if (disposed) throw new DdclError('disposed', `${use}: the backend '${name}' was disposed. Make a new one.`);
    loss.require(use);
  };
  const require = (use: string, native: Native, type: ConcreteType): void => {
    const complaint = options.check?.(native, type);
    if (complaint !== undefined) throw new DdclError('internal', `${use} gave ${complaint} for ${formatType(type)}.`);
  };
  const compute = workRunner(options.blocks === true);
  const runtime: Runtime<Native> = { buffers, loss, requireAlive, require, compute };

  return {
    contract: 1,
    name,
    capabilities,
    upload(type, data) {
      requireAlive('upload');
      const checked = requireConcrete(tensorType(type.dtype, type.shape), 'The type given to upload');
      checkUpload(name, capabilities, checked, data);
      const native = data.length === 0 ? undefined : options.upload(checked, data);
      return buffers.add(checked, native, native && (() => options.release(native, checked)));
    },
    async download(buffer) {
      requireAlive('download');
      const native = buffers.native(buffer, 'download');
      if (native === undefined) return allocate(buffer.type.dtype, 0);
      const unpin = buffers.pin([buffer]);
      try {
        return await loss.guard('download', options.download(native, buffer.type));
      } finally {
        unpin();
      }
    },
    free(buffer) {
      if (!disposed) buffers.free(buffer);
    },
    async compile(program) {
      requireAlive('compile');
      checkProgram(name, capabilities, program);
      const executable = new CompiledExecutable(program, options, runtime);
      // A concrete program is compiled now, so that what cannot run fails here and not in the first run.
      if (program.parameters.every(isConcrete)) await executable.prepare();
      return {
        program,
        run: (inputs, runOptions) => executable.run(inputs, runOptions),
        dispose: () => executable.dispose(),
      };
    },
    memory: () => buffers.memory(),
    lost: options.lost ?? new Promise(() => {}),
    ...(wrap && {
      wrap(native: unknown, type: ConcreteType): DeviceBuffer {
        requireAlive('wrap');
        const checked = requireConcrete(tensorType(type.dtype, type.shape), 'The type given to wrap');
        const borrowed = wrap(native, checked);
        require('wrap', borrowed, checked);
        return buffers.add(checked, borrowed);
      },
    }),
    ...(unwrap && {
      unwrap(buffer: DeviceBuffer): unknown {
        requireAlive('unwrap');
        const native = buffers.native(buffer, 'unwrap');
        return native && unwrap(native);
      },
    }),
    dispose() {
      if (disposed) return;
      disposed = true;
      buffers.freeAll();
      buffers.whenUnpinned(() => options.dispose?.());
    },
  };
}
