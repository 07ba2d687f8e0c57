export { ortBackend } from './ort-backend.ts';
export type { OrtBackendOptions } from './options.ts';
export type { OrtExecutionProvider, OrtRuntime } from './runtime.ts';
