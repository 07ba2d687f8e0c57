export { webgpuBackend, type WebgpuBackend } from './webgpu-backend.ts';
export type { WebgpuBackendOptions } from './options.ts';
export type { WebgpuExecutable } from './run/executable.ts';
