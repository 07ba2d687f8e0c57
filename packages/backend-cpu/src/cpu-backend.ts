import { backendFromKernels, DdclError, type Backend } from '@ddcl/core/backend';
import { plainArithmetic } from './arithmetic/plain.ts';
import { simdArithmetic } from './arithmetic/simd.ts';
import { composites } from './composites/composites.ts';
import { kernels } from './kernels/kernels.ts';

export interface CpuBackendOptions {
  /**
   * Use the fused kernels for DDCL's composites (default true). Without them every composite runs decomposed
   * into primitives: slower, and useful to test decompositions.
   */
  readonly fused?: boolean;
  /**
   * Compute matrix products in WebAssembly with SIMD, about four times as fast as plain TypeScript and with the same bits. Default: where the
   * engine has it; where it lacks it, `onWarning` hears so. true: `unsupported` is thrown instead. false: plain TypeScript.
   */
  readonly simd?: boolean;
  /** Default: `console.warn`. */
  readonly onWarning?: (warning: string) => void;
}

/** A {@link Backend} that says how it computes. */
export interface CpuBackend extends Backend {
  /** Whether matrix products run in WebAssembly with SIMD. */
  readonly simd: boolean;
}

/** Bytes of the largest typed array that all engines allow. */
const maxBufferBytes = 2 ** 31 - 8;

const noSimd =
  "This engine does not run WebAssembly with SIMD (too old, or a page's Content-Security-Policy lacks 'wasm-unsafe-eval')";

/**
 * Kernels over typed arrays: work everywhere, on one thread. float32 results are computed in double precision and rounded when they are
 * stored; float64 is double precision throughout, the oracle of ddcl's tests.
 *
 * @throws DdclError `unsupported` if `simd: true` asks for what the engine lacks
 */
export function cpuBackend({ fused = true, simd, onWarning = warn }: CpuBackendOptions = {}): CpuBackend {
  const fast = simd === false ? undefined : simdArithmetic();
  if (fast === undefined && simd === true)
    throw new DdclError('unsupported', `${noSimd}. Leave simd out, or set it to false.`);
  if (fast === undefined && simd === undefined)
    onWarning(
      `${noSimd}: the cpu backend runs at about a quarter of the speed, in plain TypeScript. simd: false takes this as it is.`,
    );
  const arithmetic = fast ?? plainArithmetic;
  const backend = backendFromKernels({
    name: 'cpu',
    blocks: true,
    capabilities: {
      dtypes: ['float32', 'float64', 'int32', 'float16'],
      maxBufferBytes,
      preferredElements: 2 ** 20,
      maxKernelInputs: Infinity,
      deterministic: true,
    },
    kernels: kernels(arithmetic),
    composites: fused ? composites(arithmetic) : {},
    upload: (_, data) => data.slice(),
    download: async (native) => native.slice(),
    copy: (native) => native.slice(),
    // Typed arrays are the garbage collector's.
    release: () => {},
  });
  return { ...backend, simd: fast !== undefined };
}

function warn(warning: string): void {
  const { console } = globalThis as { readonly console?: { warn(text: string): void } };
  console?.warn(`ddcl: ${warning}`);
}
