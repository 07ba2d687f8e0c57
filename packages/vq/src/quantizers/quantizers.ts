import type { QuantizerKind } from '../spec/spec.ts';
import { cosine } from './cosine.ts';
import { ddcl } from './ddcl.ts';
import { ema } from './ema.ts';
import { fsq } from './fsq.ts';
import { gumbel } from './gumbel.ts';
import { lfq } from './lfq.ts';
import type { Quantizer } from './quantizer.ts';
import { rotation } from './rotation.ts';
import { simvq } from './simvq.ts';
import { smoothed } from './smoothed.ts';
import { vq } from './vq.ts';

export const quantizers: Readonly<Record<QuantizerKind, Quantizer>> = {
  ddcl,
  vq,
  ema,
  rotation,
  cosine,
  simvq,
  gumbel,
  smoothed,
  fsq,
  lfq,
};
