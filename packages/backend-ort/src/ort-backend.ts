import {
  allocate,
  BufferTable,
  checkUpload,
  DdclError,
  elementCount,
  formatType,
  isConcrete,
  sameShape,
  tensorType,
  type Backend,
  type Capabilities,
  type ConcreteType,
} from '@ddcl/core/backend';
import type { Tensor } from 'onnxruntime-common';
import { elementsOf, Tensors, type NativeTensor } from './buffers/tensors.ts';
import { nativeComposites } from './emit/emit-program.ts';
import { createExecutable, type ExecutableContext } from './executable.ts';
import { resolveOptions, runsOnProcessor, type OrtBackendOptions } from './options.ts';
import { isNodeRuntime, providerName } from './runtime.ts';
import { probeProviders } from './session/probe-providers.ts';
import { SessionCache } from './session/session-cache.ts';

/**
 * A backend that runs each program as one model of ONNX Runtime: float32 and int32, float16 as storage, in Node (`onnxruntime-node`) and in
 * browsers (`onnxruntime-web`).
 *
 * @throws DdclError `argument` for options out of range; `unsupported` if an execution provider cannot start, with the reason
 */
export async function ortBackend(options: OrtBackendOptions): Promise<Backend> {
  const resolved = resolveOptions(options);
  await probeProviders(resolved);
  const { runtime } = resolved;
  const providers = resolved.executionProviders.map(providerName);
  const name = `ort ${providers.join('+')}`;
  const capabilities: Capabilities = {
    // Tokens kept in half precision come as they are; what cards and their drivers make of it has not been tried.
    dtypes: runsOnProcessor(resolved) ? ['float32', 'int32', 'float16'] : ['float32', 'int32'],
    composites: nativeComposites(runsOnProcessor(resolved)),
    maxBufferBytes: resolved.maxBufferBytes,
    // Measured on processors; what cards prefer has not been tried.
    preferredElements: 2 ** 20,
    maxKernelInputs: Infinity,
    // The CPU kernels cut work by its size and the number of threads only.
    deterministic: runsOnProcessor(resolved),
  };
  const tensors = new Tensors(runtime);
  const buffers = new BufferTable<NativeTensor>(name);
  const sessions = new SessionCache(resolved);
  let disposed = false;
  const context: ExecutableContext = {
    name,
    capabilities,
    buffers,
    tensors,
    sessions,
    // onnxruntime-node does a run in one go; in browsers runs of one session must not overlap.
    queue: isNodeRuntime(runtime) ? undefined : createQueue(),
    requireAlive(use) {
      if (disposed) throw new DdclError('disposed', `${use}: the backend '${name}' was disposed. Make a new one.`);
    },
  };

  return {
    contract: 1,
    name,
    capabilities,
    upload(type, data) {
      context.requireAlive('upload');
      const checked = tensorType(type.dtype, type.shape);
      if (!isConcrete(checked)) {
        throw new DdclError('shape', `upload takes a type of known sizes, but got ${formatType(checked)}.`);
      }
      checkUpload(name, capabilities, checked, data);
      const native = data.length === 0 ? undefined : tensors.copyOf(checked, data);
      return buffers.add(checked, native, native && (() => tensors.end(native)));
    },
    async download(buffer) {
      context.requireAlive('download');
      const native = buffers.native(buffer, 'download');
      if (native === undefined) return allocate(buffer.type.dtype, 0);
      const { tensor } = native;
      if (tensor.location === 'cpu') return elementsOf(tensor.data).slice();
      tensors.hold(native);
      try {
        return elementsOf(await tensor.getData()).slice();
      } finally {
        tensors.drop(native);
      }
    },
    free(buffer) {
      if (!disposed) buffers.free(buffer);
    },
    async compile(program) {
      context.requireAlive('compile');
      return createExecutable(context, program);
    },
    memory: () => buffers.memory(),
    lost: new Promise(() => {}),
    wrap(native, type) {
      context.requireAlive('wrap');
      const tensor = requireTensor(native, type);
      return buffers.add(type, elementCount(type.shape) === 0 ? undefined : tensors.borrow(tensor));
    },
    unwrap(buffer) {
      context.requireAlive('unwrap');
      const native = buffers.native(buffer, 'unwrap');
      if (native === undefined) return tensors.make(buffer.type).tensor;
      // The user may keep looking at it, so nobody else may write into its array.
      native.pooled = false;
      return native.tensor;
    },
    dispose() {
      if (disposed) return;
      buffers.freeAll();
      disposed = true;
      tensors.clear();
      sessions.clear();
    },
  };
}

/** @throws DdclError `argument` unless `native` is a tensor of `type` */
function requireTensor(native: unknown, type: ConcreteType): Tensor {
  const tensor = native as Partial<Tensor> | null | undefined;
  if (tensor?.type === type.dtype && Array.isArray(tensor.dims) && sameShape(tensor.dims, type.shape)) {
    return tensor as Tensor;
  }
  const got = Array.isArray(tensor?.dims) ? `${tensor.type} [${tensor.dims.join(', ')}]` : String(native);
  throw new DdclError('argument', `wrap takes an ONNX Runtime tensor of type ${formatType(type)}, but got ${got}.`);
}

/** Work that is done one after the other, in the order in which it was asked for. */
function createQueue(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}
