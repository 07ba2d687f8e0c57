import {
  backendFromKernels,
  DdclError,
  sameShape,
  type Backend,
  type CompositeKernel,
  type ConcreteType,
  type Kernel,
  type KernelTable,
  type TypedArray,
} from '@ddcl/core/backend';
import { tfjsComposites } from './kernels/composites.ts';
import { tfjsKernels } from './kernels/kernels.ts';
import { tidyAll } from './kernels/tidy.ts';
import { requireOneCopy, requireTensor, requireTfjs } from './require-tfjs.ts';
import type { Tfjs, TfTensor } from './tfjs.ts';
import { traitsOf, type Traits } from './traits.ts';

/** What {@link tfjsBackend} takes. */
export interface TfjsBackendOptions {
  /** The module: `@tensorflow/tfjs`, `tfjs-node`, `tfjs-node-gpu`, or `tfjs-core` with a backend of your choice imported. */
  readonly tf: Tfjs;
  /** Largest tensor in bytes. Default: what the backend on which tfjs runs can hold, at most 2 GiB. */
  readonly maxBufferBytes?: number;
}

/**
 * Runs programs on the TensorFlow.js that it is given, on the backend that this runs on: neither backend nor flags nor kernels
 * are changed. float32 and int32. `wrap` takes a tensor of that tfjs, `unwrap` gives the one behind a buffer, both without a copy.
 *
 * @throws DdclError `argument` if `tf` is no tfjs, has no backend, or is a second copy of tfjs-core in this process; `unsupported` for WebGL that
 *   computes with 16 bits
 */
export async function tfjsBackend(options: TfjsBackendOptions): Promise<Backend> {
  const { tf, maxBufferBytes } = (options as TfjsBackendOptions | undefined) ?? ({} as TfjsBackendOptions);
  requireTfjs(tf, 'tfjsBackend');
  if (maxBufferBytes !== undefined && !(Number.isSafeInteger(maxBufferBytes) && maxBufferBytes >= 1))
    throw new DdclError(
      'argument',
      `tfjsBackend takes maxBufferBytes as a whole number >= 1, but got ${maxBufferBytes}.`,
    );
  await started(tf);
  requireOneCopy(tf, 'tfjsBackend');
  const traits = traitsOf(tf);
  const name = tf.getBackend();
  const requireSame = (use: string): void => {
    if (tf.getBackend() === name) return;
    throw new DdclError(
      'argument',
      `${use}: tfjs ran on '${name}' when this backend was made, and now runs on '${tf.getBackend()}'. Set it back with await tf.setBackend('${name}'), or make a backend again.`,
    );
  };
  const lost = deviceLost(tf);

  return backendFromKernels<TfTensor>({
    name: `tfjs:${name}`,
    blocks: true,
    capabilities: {
      dtypes: ['float32', 'int32'],
      maxBufferBytes: maxBufferBytes ?? traits.maxBufferBytes,
      preferredElements: traits.preferredElements,
      maxKernelInputs: Infinity,
      deterministic: traits.deterministic,
    },
    kernels: kept(tf, tfjsKernels(tf, traits), requireSame),
    composites: keptComposites(tf, traits, requireSame),
    upload: (type, data) => {
      requireSame('upload');
      return tf.keep(made(tf, type, data));
    },
    // Some backends give the memory of the tensor itself, and of another class than its dtype.
    download: async (tensor, { dtype }) => {
      const data = await tensor.data();
      return dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
    },
    copy: (tensor) => tf.keep(tf.clone(tensor)),
    release: (tensor) => tensor.dispose(),
    check: (tensor, { dtype, shape }) =>
      tensor.dtype === dtype && sameShape(tensor.shape, shape)
        ? undefined
        : `${tensor.dtype}[${tensor.shape.join(',')}]`,
    wrap: (native, type) => {
      const tensor = requireTensor(tf, native, type, 'wrap');
      if (!sameShape(tensor.shape, type.shape))
        throw new DdclError(
          'shape',
          `wrap takes a tensor for the type [${type.shape.join(', ')}] that it is given, but got one of [${tensor.shape.join(', ')}]. Give the shape that it has as the type, or a tensor of ${type.shape.reduce((product, size) => product * size, 1)} numbers.`,
          { shapes: [type.shape, tensor.shape] },
        );
      return tensor;
    },
    unwrap: (tensor) => tensor,
    ...(lost && { lost }),
  });
}

async function started(tf: Tfjs): Promise<void> {
  try {
    await tf.ready();
  } catch (error) {
    throw new DdclError(
      'argument',
      `The tfjs given to tfjsBackend has no backend that starts (${String(error)}). Import one, such as '@tensorflow/tfjs-backend-wasm', or call await tf.setBackend(...) before.`,
      { cause: error },
    );
  }
}

function made(tf: Tfjs, { dtype, shape }: ConcreteType, data: TypedArray): TfTensor {
  return tf.tensor(data.slice() as Float32Array | Int32Array, [...shape], dtype as 'float32' | 'int32');
}

/** Kernels whose results outlive a `tf.tidy` of the caller's, and whose other tensors do not outlive them. */
function kept(tf: Tfjs, kernels: KernelTable<TfTensor>, requireSame: (use: string) => void): KernelTable<TfTensor> {
  const entries = Object.entries(kernels).map(([op, kernel]) => {
    const run = kernel as Kernel<TfTensor, unknown>;
    const owned: Kernel<TfTensor, unknown> = (inputs, call) => {
      requireSame(op);
      return tf.keep(tf.tidy(() => run(inputs, call)));
    };
    return [op, owned] as const;
  });
  return Object.fromEntries(entries) as KernelTable<TfTensor>;
}

function keptComposites(
  tf: Tfjs,
  traits: Traits,
  requireSame: (use: string) => void,
): Readonly<Record<string, CompositeKernel<TfTensor>>> {
  const entries = Object.entries(tfjsComposites(tf, traits)).map(([name, kernel]) => {
    const owned: CompositeKernel<TfTensor> = (inputs, call) => {
      requireSame(name);
      return tidyAll(tf, () => kernel(inputs, call)).map((tensor) => tensor && tf.keep(tensor));
    };
    return [name, owned] as const;
  });
  return Object.fromEntries(entries);
}

/** The end of a WebGPU device; other backends do not tell. */
function deviceLost(tf: Tfjs): Promise<{ readonly reason: string }> | undefined {
  const { device } = tf.backend() as { device?: { lost?: Promise<{ reason?: string; message?: string }> } };
  return device?.lost?.then(({ reason, message }) => ({ reason: message || reason || 'the device was lost' }));
}
