import { l2Normalize } from '@ddcl/core';
import { ema } from './ema.ts';
import { averageCodes } from './running-averages.ts';
import type { Quantizer } from './quantizer.ts';

/** As `ema`, with latents and codes of length 1; gradients go through the normalization of the latents. */
export const cosine: Quantizer = {
  ...ema,
  quantize: (use) => ema.quantize({ ...use, z: l2Normalize(use.z) }),
  codes: ({ codes }) => l2Normalize(codes!),
  average: (own, used, spec) => averageCodes(own, used, spec, l2Normalize),
};
