import {
  backendFromKernels,
  type Backend,
  type CompositeKernel,
  type Executable,
  type Kernel,
  type KernelBackendOptions,
  type KernelCall,
  type PrimitiveAttributes,
  type PrimitiveOp,
} from '@ddcl/core/backend';
import { referenceKernels } from '../../src/oracle/reference-kernels.ts';
import { round, type RefTensor } from '../../src/oracle/tensor.ts';
import { strictBackend, strictOptions, type StrictOptions } from '../../src/strict/strict-backend.ts';

/** Computes what a wrong kernel would: given the operands and the right result, the wrong numbers. */
export type WrongKernel<Op extends PrimitiveOp> = (
  inputs: readonly RefTensor[],
  call: KernelCall<PrimitiveAttributes[Op]>,
  right: Float64Array,
) => ArrayLike<number>;

/** The strict backend with one wrong kernel. */
export function withKernel<Op extends PrimitiveOp>(op: Op, wrong: WrongKernel<Op>): () => Backend {
  return () => {
    const { options } = strictOptions({ alias: false });
    const kernel = options.kernels[op] as Kernel<RefTensor, PrimitiveAttributes[Op]>;
    const patched: Kernel<RefTensor, PrimitiveAttributes[Op]> = (inputs, call) => {
      const result = kernel(inputs, call);
      const numbers = wrong(inputs, call, result.data.slice());
      result.data.set(Array.from(numbers, (each) => round(call.outputType.dtype, each)));
      return result;
    };
    return backendFromKernels({ ...options, kernels: { ...options.kernels, [op]: patched } });
  };
}

/** The right kernel on other operands or attributes. */
export function correct<Op extends PrimitiveOp>(
  op: Op,
  inputs: readonly RefTensor[],
  call: KernelCall<PrimitiveAttributes[Op]>,
): Float64Array {
  return (referenceKernels[op] as Kernel<RefTensor, PrimitiveAttributes[Op]>)(inputs, call).data;
}

/** The strict backend with a kernel for a composite. */
export function withComposite(
  name: string,
  kernel: CompositeKernel<RefTensor>,
  options: StrictOptions = {},
): () => Backend {
  return () => strictBackend({ ...options, composites: { [name]: kernel } });
}

/** The strict backend with other options. */
export function withOptions(
  change: (options: KernelBackendOptions<RefTensor>) => Partial<KernelBackendOptions<RefTensor>>,
): () => Backend {
  return () => {
    const { options } = strictOptions();
    return backendFromKernels({ ...options, ...change(options) });
  };
}

/** The strict backend with some members replaced. */
export function withMembers(change: (backend: Backend) => Partial<Backend>): () => Backend {
  return () => {
    const backend = strictBackend();
    return { ...backend, ...change(backend) };
  };
}

/** The strict backend with other executables. */
export function withExecutables(
  change: (executable: Executable, backend: Backend) => Partial<Executable>,
): () => Backend {
  return withMembers((backend) => ({
    async compile(program) {
      const executable = await backend.compile(program);
      return { ...executable, ...change(executable, backend) };
    },
  }));
}
