import { add, detach, div, forward, loss, maximum, mul, reshape, sqrt, sub, type Tensor } from '@ddcl/core';
import { spreadCritical, spreadVariance, trackSpread } from '@ddcl/core/train';
import { straightThrough } from '../composite/straight-through.ts';
import { meanSquare } from './hard-losses.ts';
import { centreOf, codeVectors, nearestCode } from './nearest-code.ts';
import type { Quantizer, Use } from './quantizer.ts';
import { averageMass, massTensor } from './running-averages.ts';

/** Power steps per batch for T_c. */
const iterations = 2;

/** Temperatures below it count as this: latents that are all equal have none. */
const leastTemperature = 1e-12;

/**
 * Soft assignment at a share of the tracked critical temperature (arXiv 2604.03850):
 *
 *     T = share T_c,  z' = z + sqrt(noise T / 2) e,  q = softmax(-|z' - p|^2 / T),  y = q P,  loss L_q / trace C
 *
 * with e standard normal: z' has the width of the mixture that q belongs to, so that latents cannot send numbers to the decoder through the
 * mixing weights, and soft and hard outputs agree. L_q moves the codes alone, unless the spec says otherwise.
 */
export const ddcl: Quantizer = {
  tensors: (spec) => [
    { what: 'codes', of: 'book', shape: [spec.codes, spec.codeDimension], role: spec.frozen ? 'fixed' : 'trained' },
    massTensor(spec),
    { what: 'direction', of: 'place', shape: [spec.codeDimension], role: 'carried' },
    { what: 'averages', of: 'place', shape: [5], role: 'carried' },
    { what: 'temperature', of: 'place', shape: [], role: 'carried' },
  ],
  quantize(use) {
    const { spec, z, column, own, normals, controls, total } = use;
    const codes = own['codes']!;
    const [direction, averages] = trackSpread({ rows: z, column }, [own['direction']!, own['averages']!], {
      decay: spec.tracking,
      iterations,
    });
    const critical = spreadCritical(averages);
    const temperature = detach(maximum(mul(critical, controls.share), leastTemperature));
    const deviation = sqrt(mul(mul(temperature, controls.noise), 0.5));
    const noisy = normals === undefined ? z : add(z, mul(normals, deviation));

    const centre = centreOf(codes);
    const operands = { tokens: sub(noisy, centre), prototypes: sub(codes, centre), temperature };
    const soft = add(forward(operands), centre);
    const weights = reshape(column, [column.shape[0]!]);
    const tokens = spec.lqThrough ? operands.tokens : detach(operands.tokens);
    const { lq, lols, v } = loss({ ...operands, tokens, weights });
    const variance = detach(maximum(spreadVariance(averages), 1e-20));

    const indices = nearestCode(z, codes);
    const hard = codeVectors(codes, indices);
    return {
      indices,
      hard,
      base: z,
      soft,
      loss: withCommitment(use, mul(div(lq, mul(total, variance)), spec.lqWeight), hard),
      reports: {
        quantization: detach(meanSquare(use, z, hard)),
        lq: div(lq, total),
        lols: div(lols, total),
        v: div(v, total),
        temperature,
        criticalTemperature: critical,
      },
      next: { direction, averages, temperature },
    };
  },
  estimate: straightThrough,
  codes: ({ codes }) => codes!,
  average: averageMass,
};

/** Latents are drawn to their hard codes only where the spec asks for it. */
function withCommitment(use: Use, own: Tensor, hard: Tensor): Tensor {
  const { commitment } = use.spec;
  return commitment === 0 ? own : add(own, mul(meanSquare(use, use.z, detach(hard)), commitment));
}
