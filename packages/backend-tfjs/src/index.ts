export { tfjsBackend, type TfjsBackendOptions } from './tfjs-backend.ts';
export type { Tfjs, TfTensor } from './tfjs.ts';
export { asTfjsOp, type TfjsOp } from './op/as-tfjs-op.ts';
export { loadTfjs, type LoadedTfjs, type LoadTfjsOptions } from './load/load-tfjs.ts';
export type { TfjsName } from './load/candidates.ts';
