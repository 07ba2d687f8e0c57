import { straightThrough } from '../composite/straight-through.ts';
import { hardLosses } from './hard-losses.ts';
import { chooseCode, codeVectors } from './nearest-code.ts';
import type { Quantizer } from './quantizer.ts';
import { averageMass, massTensor } from './running-averages.ts';

/** The nearest code with the straight-through gradient; the code loss moves the codes, the commitment the latents. */
export const vq: Quantizer = {
  tensors: (spec) => [
    { what: 'codes', of: 'book', shape: [spec.codes, spec.codeDimension], role: spec.frozen ? 'fixed' : 'trained' },
    massTensor(spec),
  ],
  quantize(use) {
    const codes = use.own['codes']!;
    const indices = chooseCode(use, codes);
    const hard = codeVectors(codes, indices);
    return { indices, hard, base: use.z, ...hardLosses(use, use.z, hard) };
  },
  estimate: straightThrough,
  codes: ({ codes }) => codes!,
  average: averageMass,
};
