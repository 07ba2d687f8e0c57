import { DdclError } from '@ddcl/core/backend';
import type { WebgpuBackendOptions } from '../options.ts';

/** A device with what is known of where it came from. */
export interface DeviceLease {
  readonly device: GPUDevice;
  /** Whether the caller lent it: then it is never destroyed. */
  readonly isBorrowed: boolean;
  /** The adapter's name, for messages. */
  readonly description: string;
}

/** Dawn ends the process if its GPU object is collected while a device of it lives. So whatever was used is kept for ever. */
const kept = new Set<GPU>();
let dawn: Promise<GPU> | undefined;

/** Limits that are asked for as high as the adapter has them. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
] as const;

const help =
  'In browsers: a recent Chrome, Edge, Safari or Firefox, over https or on localhost. In Node: npm install webgpu, a graphics driver with Vulkan, ' +
  'Metal or D3D12, on Linux the Vulkan loader (libvulkan1); without a card VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json uses the ' +
  "SwiftShader of Debian's chromium package.";

/** @throws DdclError `unsupported` if there is no WebGPU, no adapter or no device, with what was tried and what helps */
export async function requestDevice(options: WebgpuBackendOptions): Promise<DeviceLease> {
  const { device, adapter } = options;
  if (device !== undefined) return { device, isBorrowed: true, description: describe(device.adapterInfo) };
  if (adapter !== undefined) return fromAdapter(adapter);
  const gpu = options.gpu ?? (await findGpu());
  kept.add(gpu);
  const found = await requestAdapter(gpu);
  try {
    return await fromAdapter(found);
  } catch {
    // Phones refuse limits that their adapter claims; an adapter makes one device, so another one is asked.
    return fromAdapter(await requestAdapter(gpu), false);
  }
}

async function requestAdapter(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter !== null) return adapter;
  throw new DdclError('unsupported', `WebGPU is here, but it found no adapter. ${help}`);
}

async function fromAdapter(adapter: GPUAdapter, withLimits = true): Promise<DeviceLease> {
  const { limits } = adapter;
  const requiredLimits = Object.fromEntries(withLimits ? wantedLimits.map((name) => [name, limits[name]]) : []);
  try {
    const device = await adapter.requestDevice({ requiredLimits });
    return { device, isBorrowed: false, description: describe(adapter.info) };
  } catch (error) {
    const advice = /consumed/.test(String(error)) ? 'An adapter makes one device: ask for another one.' : help;
    throw new DdclError(
      'unsupported',
      `The adapter ${describe(adapter.info)} gives no device: ${String(error)}. ${advice}`,
      {
        cause: error,
      },
    );
  }
}

function describe(info: GPUAdapterInfo | undefined): string {
  const parts = [info?.vendor, info?.architecture, info?.description].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? 'of no name' : parts.join(' ');
}

/** The platform's WebGPU, or Dawn's in Node. */
async function findGpu(): Promise<GPU> {
  const { navigator } = globalThis as { navigator?: { readonly gpu?: GPU } };
  if (navigator?.gpu !== undefined) return navigator.gpu;
  dawn ??= loadDawn();
  return dawn;
}

const dawnPackage: string = 'webgpu';

async function loadDawn(): Promise<GPU> {
  try {
    // By a name that bundlers do not follow: in browsers this line is never reached.
    const { create } = (await import(/* @vite-ignore */ dawnPackage)) as { create(options: readonly string[]): GPU };
    return create([]);
  } catch (error) {
    dawn = undefined;
    throw new DdclError(
      'unsupported',
      `There is no navigator.gpu here, and the package 'webgpu' cannot be loaded: ${String(error)}. ${help}`,
      { cause: error },
    );
  }
}
