import { backendFromKernels, type Backend, type CompositeKernel, type TypedArray } from '@ddcl/core/backend';
import { composites } from './composites/composites.ts';
import { kernels } from './kernels/kernels.ts';

export interface CpuBackendOptions {
  /**
   * Use the fused kernels for DDCL's composites (default true). Without them every composite runs decomposed
   * into primitives: slower, and useful to test decompositions.
   */
  readonly fused?: boolean;
}

/** Bytes of the largest typed array that all engines allow. */
const maxBufferBytes = 2 ** 31 - 8;

/**
 * Plain TypeScript kernels over typed arrays: works everywhere, on one thread. float32 results are computed
 * in double precision and rounded when they are stored; float64 is double precision throughout, the oracle of ddcl's tests.
 */
export function cpuBackend({ fused = true }: CpuBackendOptions = {}): Backend {
  const none: Readonly<Record<string, CompositeKernel<TypedArray>>> = {};
  return backendFromKernels<TypedArray>({
    name: 'cpu',
    capabilities: {
      dtypes: ['float32', 'float64', 'int32', 'float16'],
      maxBufferBytes,
      preferredElements: 2 ** 20,
      maxKernelInputs: Infinity,
      deterministic: true,
    },
    kernels,
    composites: fused ? composites : none,
    upload: (_, data) => data.slice(),
    download: async (native) => native.slice(),
    copy: (native) => native.slice(),
    // Typed arrays are the garbage collector's.
    release: () => {},
  });
}
