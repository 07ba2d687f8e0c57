import {
  allocate,
  backendFromKernels,
  elementCount as count,
  type Backend,
  type Capabilities,
  type CompositeKernel,
  type ConcreteType,
  type Kernel,
  type KernelBackendOptions,
  type KernelCall,
  type KernelTable,
  type PrimitiveOp,
  toFloat16,
} from '@ddcl/core/backend';
import { numbersOf } from '../oracle/half.ts';
import { referenceKernels } from '../oracle/reference-kernels.ts';
import type { RefTensor } from '../oracle/tensor.ts';

/** What happened to the native tensors of a {@link strictBackend}. */
export interface NativeLog {
  /** Native tensors that were made and not yet released. */
  readonly alive: ReadonlySet<RefTensor>;
  readonly made: number;
  readonly released: number;
  /** Kernels called, in order. */
  readonly calls: readonly string[];
  /** How many native tensors were alive at once, at most. */
  readonly peak: number;
}

export interface StrictOptions {
  /** Ops that return their operand where the contract lets them. Default: all that may. */
  readonly alias?: boolean;
  /** Called before each kernel (by op, or by name for a composite); may throw. */
  readonly before?: (op: string, call: number) => void;
  /** Called before each copy; may throw. */
  readonly beforeCopy?: (copies: number) => void;
  readonly composites?: Readonly<Record<string, CompositeKernel<RefTensor>>>;
  readonly capabilities?: Partial<Capabilities>;
  readonly name?: string;
}

/**
 * The reference kernels as a backend that trusts nobody: every native tensor is released exactly once and not used
 * afterwards, no operand or result is empty, operands are as long as their types say and never changed, and
 * a result is its operand only where the contract allows it.
 */
export function strictOptions(options: StrictOptions = {}): {
  options: KernelBackendOptions<RefTensor>;
  log: NativeLog;
} {
  const { alias = true, before, beforeCopy } = options;
  const alive = new Set<RefTensor>();
  const log = { alive, made: 0, released: 0, calls: [] as string[], peak: 0 };
  let copies = 0;
  const born = (native: RefTensor): RefTensor => {
    if (alive.has(native)) throw new Error('a native tensor was made twice');
    alive.add(native);
    log.made++;
    log.peak = Math.max(log.peak, alive.size);
    return native;
  };
  const check = (use: string, native: RefTensor | undefined, type: ConcreteType): void => {
    if (native === undefined) throw new Error(`${use}: there is no native tensor`);
    if (!alive.has(native)) throw new Error(`${use}: the native tensor was released before`);
    if (native.dtype !== type.dtype) throw new Error(`${use}: ${native.dtype} is not ${type.dtype}`);
    if (native.data.length === 0) throw new Error(`${use}: the native tensor is empty`);
    if (native.data.length !== count(type.shape))
      throw new Error(`${use}: ${native.data.length} elements for [${type.shape}]`);
  };
  /** Checks the operands, runs, checks that they did not change. */
  const guarded = <Result>(
    op: string,
    inputs: readonly RefTensor[],
    inputTypes: readonly ConcreteType[],
    outputTypes: readonly ConcreteType[],
    run: () => Result,
  ): Result => {
    if (inputs.length !== inputTypes.length) throw new Error(`${op}: ${inputs.length} operands`);
    inputs.forEach((native, index) => check(op, native, inputTypes[index]!));
    for (const type of outputTypes) if (count(type.shape) === 0) throw new Error(`${op}: the result is empty`);
    log.calls.push(op);
    before?.(op, log.calls.length);
    const seen = inputs.map((native) => native.data.slice());
    const result = run();
    inputs.forEach((native, index) => {
      if (!native.data.every((value, at) => Object.is(value, seen[index]![at])))
        throw new Error(`${op}: an operand was changed`);
    });
    return result;
  };
  const mayAlias = (op: PrimitiveOp, call: KernelCall<unknown>): boolean => {
    const [input, output] = [call.inputTypes[0], call.outputType];
    if (op === 'reshape' || op === 'detach') return true;
    if (op === 'cast') return input!.dtype === output.dtype;
    return op === 'broadcastTo' && input!.shape.join() === output.shape.join();
  };
  const strict =
    (op: PrimitiveOp): Kernel<RefTensor, never> =>
    (inputs, call) =>
      guarded(op, inputs, call.inputTypes, [call.outputType], () => {
        if (alias && mayAlias(op, call)) return inputs[0]!;
        const native = (referenceKernels[op] as Kernel<RefTensor, never>)(inputs, call);
        if (native.data.length !== count(call.outputType.shape))
          throw new Error(`${op}: a result of ${native.data.length} elements`);
        return born(native);
      });
  const kernels = Object.fromEntries(Object.keys(referenceKernels).map((op) => [op, strict(op as PrimitiveOp)]));
  const composites = Object.entries(options.composites ?? {}).map(
    ([name, kernel]): [string, CompositeKernel<RefTensor>] => [
      name,
      (inputs, call) =>
        guarded(name, inputs, call.inputTypes, call.outputTypes, () =>
          kernel(inputs, call).map((native) => native && born(native)),
        ),
    ],
  );
  return {
    log,
    options: {
      name: options.name ?? 'reference',
      capabilities: {
        dtypes: ['float32', 'float64', 'int32', 'float16'],
        maxBufferBytes: 2 ** 30,
        preferredElements: 2 ** 20,
        maxKernelInputs: Infinity,
        deterministic: true,
        ...options.capabilities,
      },
      kernels: kernels as unknown as KernelTable<RefTensor>,
      composites: Object.fromEntries(composites),
      upload: (type, data) => born({ dtype: type.dtype, data: numbersOf(type, data) }),
      async download(native, type) {
        check('download', native, type);
        if (type.dtype === 'float16') return toFloat16(native.data);
        const data = allocate(type.dtype, native.data.length);
        data.set(native.data);
        return data;
      },
      copy(native, type) {
        check('copy', native, type);
        beforeCopy?.(++copies);
        return born({ dtype: native.dtype, data: native.data.slice() });
      },
      release(native, type) {
        check('release', native, type);
        alive.delete(native);
        log.released++;
      },
    },
  };
}

export interface StrictBackend extends Backend {
  readonly log: NativeLog;
}

export function strictBackend(options: StrictOptions = {}): StrictBackend {
  const { options: kernels, log } = strictOptions(options);
  return { ...backendFromKernels(kernels), log };
}
