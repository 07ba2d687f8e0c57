import { backendFromKernels, elementCount, type Backend } from '@ddcl/core/backend';
import { kernels, type Native } from './kernels.ts';

/** Runs programs on arrays of JavaScript, one kernel after the other. Put your library in the place of {@link Native}. */
export function myBackend(): Backend {
  return backendFromKernels<Native>({
    name: 'my-backend',
    capabilities: {
      dtypes: ['float32', 'int32'],
      maxBufferBytes: 2 ** 30,
      preferredElements: 2 ** 20,
      maxKernelInputs: Infinity,
      deterministic: true,
    },
    kernels,
    // Both copy: the caller may change its array afterwards.
    upload: (_type, data) => ({ data: data.slice() }),
    download: async ({ data }) => data.slice(),
    copy: ({ data }) => ({ data: data.slice() }),
    // A library that counts references, or memory that nobody collects: give it back here, once for each tensor made.
    release: () => {},
    // Asked of every result of a kernel, so that a wrong one is found where it was made.
    check: ({ data }, { shape }) =>
      data.length === elementCount(shape) ? undefined : `${data.length} numbers instead of ${elementCount(shape)}`,
  });
}
