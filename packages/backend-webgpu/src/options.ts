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

/** What each source of a device is told by: a look at one method each, since browsers and Dawn have classes of their own. */
const sources = {
  gpu: { method: 'requestAdapter', like: "navigator.gpu, or create([]) of the package 'webgpu'" },
  adapter: { method: 'requestDevice', like: 'what gpu.requestAdapter() gives' },
  device: { method: 'createShaderModule', like: 'what adapter.requestDevice() gives' },
} as const;
const known = [...Object.keys(sources), 'fused', 'onShader'];

/** @throws DdclError `argument` for options that there are not or that are something else, and if several sources of a device are given */
export function checkOptions(options: WebgpuBackendOptions): void {
  const refuse = (message: string): never => {
    throw new DdclError('argument', message);
  };
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined)
    refuse(`webgpuBackend has no option '${unknown}'; it takes ${known.slice(0, -1).join(', ')} and ${known.at(-1)}.`);
  const given = (['gpu', 'adapter', 'device'] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1) refuse(`webgpuBackend takes one of gpu, adapter and device, but got ${given.join(' and ')}.`);
  for (const name of given) {
    const { method, like } = sources[name];
    const value: unknown = options[name];
    const has = typeof value === 'object' && value !== null && method in value;
    if (!has)
      refuse(
        `${name} must be ${like}, but is ${value === null ? 'null' : `of type ${typeof value}`}. Leave it out for the default.`,
      );
  }
}
