import { l2Normalise } from '@ddcl/core';
import { ema } from './ema.ts';
import { averageCodes } from './running-averages.ts';
import type { Quantizer } from './quantizer.ts';

/** As `ema`, with latents and codes of length 1; gradients go through the normalisation of the latents. */
export const cosine: Quantizer = {
  ...ema,
  quantise: (use) => ema.quantise({ ...use, z: l2Normalise(use.z) }),
  codes: ({ codes }) => l2Normalise(codes!),
  average: (own, used, spec) => averageCodes(own, used, spec, l2Normalise),
};
