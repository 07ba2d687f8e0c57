/// <reference types="@webgpu/types" />
import { DdclError } from '@ddcl/core/backend';

/** What {@link webgpuBackend} takes. Give at most one of `gpu`, `adapter` and `device`. */
export interface WebgpuBackendOptions {
  /** Where to ask for an adapter. Default: `navigator.gpu`, in Node that of the package `webgpu`. */
  readonly gpu?: GPU;
  /** Makes the device, with its own limits; it can make only one. */
  readonly adapter?: GPUAdapter;
  /** A device of yours, used with the limits it has and never destroyed here. */
  readonly device?: GPUDevice;
  /** Kernels of their own for DDCL composites; without them everything is decomposed. Default true. */
  readonly fused?: boolean;
  /** Hears of each kernel when it is compiled: what it does in a word or two, and its text. In Node `DDCL_DUMP_WGSL=DIR` writes them to a folder. */
  readonly onShader?: (name: string, wgsl: string) => void;
}

/** @throws DdclError `argument` if several sources of a device are given */
export function checkOptions(options: WebgpuBackendOptions): void {
  const given = (['gpu', 'adapter', 'device'] as const).filter((name) => options[name] !== undefined);
  if (given.length <= 1) return;
  throw new DdclError(
    'argument',
    `webgpuBackend takes one of gpu, adapter and device, but got ${given.join(' and ')}.`,
  );
}
