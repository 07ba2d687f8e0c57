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
