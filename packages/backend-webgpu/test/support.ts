import { create, globals } from 'webgpu';
import { softwareVulkan } from '../../../tooling/software-vulkan.ts';
import { webgpuBackend, type WebgpuBackend, type WebgpuBackendOptions } from '../src/index.ts';

// Read by the Vulkan loader when the first adapter is asked for.
Object.assign(process.env, softwareVulkan());
Object.assign(globalThis, globals);

/**
 * SwiftShader takes seconds to compile what clears shared memory. Without it there is garbage in that memory, so kernels that rely on zeros
 * fail here.
 */
export const gpu: GPU = create(['enable-dawn-features=disable_workgroup_init']);

const adapter = await gpu.requestAdapter();
const missing =
  "WebGPU finds no adapter here. Install SwiftShader and the Vulkan loader with 'npm run setup:browser', or set VK_ICD_FILENAMES to a driver.";
/** Whether there is a device to test on. Under CI it is an error if there is none. */
export const hasAdapter: boolean = adapter !== null;
if (!hasAdapter) {
  if (process.env['CI']) throw new Error(missing);
  process.on('exit', () => process.stderr.write(`ddcl: skipped tests of backend-webgpu: ${missing}\n`));
}

export function makeBackend(options: Omit<WebgpuBackendOptions, 'gpu'> = {}): Promise<WebgpuBackend> {
  return webgpuBackend({ ...options, ...(options.device === undefined && { gpu }) });
}

/** A device of the test's own, which it may destroy. */
export async function makeDevice(): Promise<GPUDevice> {
  const own = (await gpu.requestAdapter())!;
  const { maxComputeWorkgroupStorageSize } = own.limits;
  return own.requestDevice({ requiredLimits: { maxComputeWorkgroupStorageSize } });
}

/**
 * A device on which kernels that were compiled once need no second compilation, whichever backend asks: compiling is most of the time that
 * tests take on SwiftShader.
 */
export async function makeRememberingDevice(): Promise<GPUDevice> {
  const device = await makeDevice();
  const codes = new WeakMap<GPUShaderModule, string>();
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const layouts = new WeakMap<GPUBindGroupLayout | GPUPipelineLayout, string>();
  const { createShaderModule, createBindGroupLayout, createPipelineLayout, createComputePipelineAsync } = device;
  device.createShaderModule = (descriptor) => {
    const made = createShaderModule.call(device, descriptor);
    codes.set(made, descriptor.code);
    return made;
  };
  device.createBindGroupLayout = (descriptor) => {
    const made = createBindGroupLayout.call(device, descriptor);
    layouts.set(made, JSON.stringify([...descriptor.entries]));
    return made;
  };
  device.createPipelineLayout = (descriptor) => {
    const made = createPipelineLayout.call(device, descriptor);
    layouts.set(made, [...descriptor.bindGroupLayouts].map((layout) => layouts.get(layout!)).join());
    return made;
  };
  device.createComputePipelineAsync = (descriptor) => {
    const key = `${layouts.get(descriptor.layout as GPUPipelineLayout)}\n${codes.get(descriptor.compute.module)}`;
    const known = pipelines.get(key);
    if (known !== undefined) return known;
    const made = createComputePipelineAsync.call(device, descriptor);
    pipelines.set(key, made);
    return made;
  };
  return device;
}
