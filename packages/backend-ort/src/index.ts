export { ortBackend } from './ort-backend.ts';
export type { OrtBackendOptions } from './options.ts';
export type { OrtExecutionProvider, OrtRuntime } from './runtime.ts';
export { programToOnnx, type OnnxOptions } from './export/program-to-onnx.ts';
export { appendReadout, type AppendOptions } from './export/append-readout.ts';
export { externalFiles, type ExternalFiles } from './export/external-data.ts';
