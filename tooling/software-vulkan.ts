import { existsSync } from 'node:fs';

/** Where browsers keep the SwiftShader that needs no graphics card. */
const drivers = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'].map(
  (folder) => `${folder}/vk_swiftshader_icd.json`,
);

/**
 * Environment in which Vulkan finds SwiftShader, the same device everywhere; what `VK_ICD_FILENAMES` names already stays. Empty where no
 * browser has brought one: then WebGPU takes what the machine has.
 */
export function softwareVulkan(): Record<string, string> {
  const driver = process.env['VK_ICD_FILENAMES'] ?? drivers.find((file) => existsSync(file));
  return driver === undefined
    ? {}
    : { VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? '/tmp' };
}
