import { matmul } from '@ddcl/core';
import { rotateTo } from '../composite/rotate-to.ts';
import { straightThrough } from '../composite/straight-through.ts';
import type { Quantizer } from './quantizer.ts';
import { averageMass, massTensor } from './running-averages.ts';
import { vq } from './vq.ts';

/**
 * Codes P = F W of a frame F that stays as it is and a learned matrix W, so that every code moves with each that is chosen (arXiv 2411.02038).
 */
export const simvq: Quantizer = {
  tensors: (spec) => [
    { what: 'frame', of: 'book', shape: [spec.codes, spec.codeDimension], role: 'fixed' },
    {
      what: 'matrix',
      of: 'book',
      shape: [spec.codeDimension, spec.codeDimension],
      role: spec.frozen ? 'fixed' : 'trained',
    },
    massTensor(spec),
  ],
  quantize: (use) => vq.quantize({ ...use, own: { ...use.own, codes: matmul(use.own['frame']!, use.own['matrix']!) } }),
  estimate: (hard, base, { estimator }) =>
    estimator === 'rotation' ? rotateTo(base, hard) : straightThrough(hard, base),
  codes: ({ frame, matrix }) => matmul(frame!, matrix!),
  average: averageMass,
};
