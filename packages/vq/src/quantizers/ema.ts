import { averageCodes, averagedTensors } from './running-averages.ts';
import type { Quantizer } from './quantizer.ts';
import { vq } from './vq.ts';

/** The nearest code with the straight-through gradient; codes are running averages of their tokens. */
export const ema: Quantizer = { ...vq, tensors: averagedTensors, average: averageCodes };
