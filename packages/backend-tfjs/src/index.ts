export { tfjsBackend, type TfjsBackendOptions } from './tfjs-backend.ts';
export type { Tfjs, TfTensor } from './tfjs.ts';
