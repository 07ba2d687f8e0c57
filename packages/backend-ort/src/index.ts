export { ortBackend } from './ort-backend.ts';
export type { OrtBackendOptions } from './options.ts';
export type { OrtExecutionProvider, OrtRuntime } from './runtime.ts';
export { programToOnnx } from './export/program-to-onnx.ts';
export { exportReadout } from './export/export-readout.ts';
export { appendReadout, type AppendOptions } from './export/append-readout.ts';
export {
  readoutOutputs,
  type ReadoutOptions,
  type ReadoutOutput,
  type ReadoutPreprocessing,
} from './export/readout-options.ts';
export type { ExternalData, ReadExternal } from './export/external-data.ts';
