import {
  add,
  cast,
  DdclError,
  equal,
  iota,
  less,
  matmul,
  mean,
  mul,
  nearest,
  select,
  softmax,
  type FloatDType,
  type Tensor,
} from '@ddcl/core';
import { straightThrough } from '../composite/straight-through.ts';
import { hardLosses } from './hard-losses.ts';
import { codeLogits, codeVectors, nearestCode } from './nearest-code.ts';
import type { Quantizer, Use } from './quantizer.ts';
import { averageMass, massTensor } from './running-averages.ts';

/**
 * `q = softmax(-d / tau)`, y = q P, with a pull that makes mixtures like vertices of the simplex and leaves no vertex alone: the mean, over
 * codes k and the j mixtures of the batch nearest to the vertex e_k, of `|e_k - q|^2` (Morita, arXiv 2509.22161). Takes n x K and K x K numbers.
 */
export const smoothed: Quantizer = {
  tensors: (spec) => [
    { what: 'codes', of: 'book', shape: [spec.codes, spec.codeDimension], role: spec.frozen ? 'fixed' : 'trained' },
    massTensor(spec),
  ],
  quantize(use) {
    const { z, own, controls, spec } = use;
    const codes = own['codes']!;
    const q = softmax(codeLogits(z, codes, controls.tau), 1);
    const indices = nearestCode(z, codes);
    const hard = codeVectors(codes, indices);
    const { loss, reports } = hardLosses(use, z, hard);
    const pull = vertexPull(use, q);
    const weighted = mul(pull, spec.simplexWeight);
    return {
      indices,
      hard,
      base: z,
      soft: matmul(q, codes),
      loss: loss === undefined ? weighted : add(loss, weighted),
      reports: { ...reports, vertices: pull },
    };
  },
  estimate: straightThrough,
  codes: ({ codes }) => codes!,
  average: averageMass,
};

/** Farther from every vertex than any mixture: where tokens of weight 0 are put. */
const faraway = 10;

function vertexPull({ column, spec }: Use, q: Tensor): Tensor {
  const [n, count] = q.shape;
  if (typeof n === 'number' && n < spec.neighbours) {
    throw new DdclError(
      'shape',
      `Each vertex pulls ${spec.neighbours} mixtures, but a batch has ${n} tokens. Give larger batches or fewer neighbours.`,
      { shapes: [q.shape] },
    );
  }
  const dtype = q.dtype as FloatDType;
  const shape = [count!, count!];
  const vertices = cast(equal(iota(q, 'int32', shape, 0), iota(q, 'int32', shape, 1)), dtype);
  const counted = select(less(0, column), q, faraway);
  return mean(nearest({ tokens: vertices, prototypes: counted }, spec.neighbours).distances);
}
