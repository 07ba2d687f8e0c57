export { readSafetensors, viewSafetensor, type SafetensorsFile } from './safetensors/read-safetensors.ts';
export { writeSafetensors } from './safetensors/write-safetensors.ts';
export {
  parseSafetensorsHeader,
  safetensorsHeaderLength,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from './safetensors/header.ts';
export { safetensorsToFloat32, type SafetensorsData, type SafetensorsTensor } from './safetensors/tensor.ts';
export type { SafetensorsDType } from './safetensors/dtypes.ts';

// Half precision
export { fromFloat16, largestFloat16, toFloat16 } from './numbers/float16.ts';
export { describeFloat16Loss, float16Loss } from './numbers/float16-loss.ts';
