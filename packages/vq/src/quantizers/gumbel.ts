import { add, argMax, detach, matmul, softmax } from '@ddcl/core';
import { straightThrough } from '../composite/straight-through.ts';
import { hardLosses } from './hard-losses.ts';
import { codeLogits, codeVectors, nearestCode } from './nearest-code.ts';
import type { Quantizer } from './quantizer.ts';
import { averageMass, massTensor } from './running-averages.ts';

/** `q = softmax((-d + G tau) / tau)` with Gumbel numbers G, y = q P: a differentiable draw of a code (arXiv 1611.01144). Takes n x K numbers. */
export const gumbel: Quantizer = {
  tensors: (spec) => [
    { what: 'codes', of: 'book', shape: [spec.codes, spec.codeDimension], role: spec.frozen ? 'fixed' : 'trained' },
    massTensor(spec),
  ],
  quantize(use) {
    const { z, own, gumbels, controls, spec } = use;
    const codes = own['codes']!;
    const logits = add(codeLogits(z, codes, controls.tau), gumbels!);
    const mixture = matmul(softmax(logits, 1), codes);
    const indices = nearestCode(z, codes);
    const hard = codeVectors(codes, indices);
    const drawn = (): typeof mixture => codeVectors(codes, argMax(detach(logits), 1));
    const soft = spec.hardOutput ? straightThrough(detach(drawn()), mixture) : mixture;
    return { indices, hard, base: z, soft, ...hardLosses(use, z, hard) };
  },
  estimate: straightThrough,
  codes: ({ codes }) => codes!,
  average: averageMass,
};
