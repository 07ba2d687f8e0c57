import { rotateTo } from '../composite/rotate-to.ts';
import { ema } from './ema.ts';
import type { Quantizer } from './quantizer.ts';

/** As `ema`, but gradients are turned and scaled as the latent is on its way to the code. */
export const rotation: Quantizer = { ...ema, estimate: (hard, base) => rotateTo(base, hard) };
