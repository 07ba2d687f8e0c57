import {
  forward,
  grad,
  hessianProduct,
  loss,
  lossAndGradient,
  nearest,
  segmentSums,
  tokenSums,
  type Tensor,
} from '@ddcl/core';
import { wrongNumbers, type Change } from '../make-fault.ts';
import type { PlantedFault, Probe } from '../planted-fault.ts';
import { f32, filled, gives, i32, of, some } from '../probes.ts';

const composites = 'backend-cpu/src/composites';
const chunks = `${composites}/token-chunks.ts`;
const values = `${composites}/pass-values.ts`;
const gradients = `${composites}/pass-gradients.ts`;
const hessian = `${composites}/hessian-product.ts`;

const ddcl = ([tokens, weights, prototypes, temperature]: readonly Tensor[]) => ({
  tokens: tokens!,
  weights: weights!,
  prototypes: prototypes!,
  temperature: temperature!,
});

/** Five tokens, K prototypes, m numbers each, weights from 1 to 50. */
const problem = (
  count: number,
  m: number,
): Parameters<typeof gives> extends [unknown, ...infer Rest] ? Rest : never => [
  some(f32(5, m), 1),
  of(f32(5), 1, 2, 50, 4.5, 1),
  some(f32(count, m), 2),
  of(f32(), m),
];

const wide = 'fused kernels are wrong at even widths, or just beside';
const even = (name: string, change: Change, probe: Probe): PlantedFault =>
  wrongNumbers(wide, name, change, 'large', probe);

const widths: PlantedFault[] = [
  even(
    'lengths of tokens of 128 numbers lack the last',
    [
      chunks,
      'for (let place = first; place < first + length; place++) {\n      const x0',
      'for (let place = first; place < first + length - (length % 128 === 0 ? 1 : 0); place++) {\n      const x0',
    ],
    gives((...x) => [tokenSums(ddcl(x)).lq], ...problem(4, 128)),
  ),
  even(
    'lengths of single tokens of 256 numbers lack the last four',
    [
      chunks,
      'for (let place = row * length; place < (row + 1) * length; place++) total',
      'for (let place = row * length; place < (row + 1) * length - (length === 256 ? 4 : 0); place++) total',
    ],
    gives((...x) => [tokenSums(ddcl(x)).lq], ...problem(4, 256)),
  ),
  even(
    'tokens of 128 numbers are read one number late',
    [
      chunks,
      'into.set(source.subarray(from, from + rows * dimension));',
      'into.set(source.subarray(from + (dimension === 128 && start + from > 0 ? 1 : 0), from + rows * dimension)); if (dimension === 128) into[rows * dimension - 1] = 0;',
    ],
    gives((...x) => [tokenSums(ddcl(x)).lq], ...problem(4, 128)),
  ),
  even(
    'outputs of 64 numbers lack the last',
    [
      values,
      'into[(start + row) * size + index] = from[row * taken + index]!;',
      'into[(start + row) * size + index] = size === 64 && index === 63 ? 0 : from[row * taken + index]!;',
    ],
    gives((...x) => [forward(ddcl(x))], ...problem(4, 64)),
  ),
  even(
    'the gradient rests at the 129th number',
    [
      gradients,
      '2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis));',
      '(axis === 128 ? 0 : 2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis)));',
    ],
    gives((...x) => [lossAndGradient(ddcl(x)).gradient], ...problem(4, 129)),
  ),
  even(
    'the last of 128 prototypes has no product with the Hessian',
    [hessian, 'into[first + k] = dw;', 'into[first + k] = count === 128 && k === 127 ? 0 : dw;'],
    gives((...x) => [hessianProduct(ddcl(x), x[4]!)], ...problem(128, 2), some(f32(128, 2), 5)),
  ),
  even(
    'the last of 256 prototypes is never the nearest',
    [
      `${composites}/nearest.ts`,
      'const found = Math.min(tileColumns, count - tile);',
      'const found = Math.min(tileColumns, count - tile) - (count === tileColumns ? 1 : 0);',
    ],
    // Each prototype sits on a token.
    (backend) =>
      gives(
        (...x) => [nearest(ddcl(x)).indices],
        filled(f32(256, 1), (at) => at),
        filled(f32(256), () => 1),
        filled(f32(256, 1), (at) => at),
        of(f32(), 1),
      )(backend),
  ),
  even(
    'the last three of 127 prototypes are not divided',
    [
      chunks,
      'for (let k = 0; k < count; k++) q[first + k]! *= share;',
      'for (let k = 0; k < (count === 127 ? 124 : count); k++) q[first + k]! *= share;',
    ],
    gives((...x) => [tokenSums(ddcl(x)).mass], ...problem(127, 2)),
  ),
];

const heavy = 'weights are taken for shares';
const weight = 'const weight = weights[start + row]!;';
const weighed = (name: string, change: Change, probe: Probe): PlantedFault =>
  wrongNumbers(heavy, name, change, 'weights', probe);

const weights: PlantedFault[] = [
  weighed(
    'sums cut weights off at 4',
    [values, weight, 'const weight = Math.min(4, weights[start + row]!);'],
    gives((...x) => [tokenSums(ddcl(x)).mass], ...problem(4, 3)),
  ),
  weighed(
    'the gradient cuts weights off at 16',
    [gradients, weight, 'const weight = Math.min(16, weights[start + row]!);'],
    gives((...x) => [lossAndGradient(ddcl(x)).gradient], ...problem(4, 3)),
  ),
  weighed(
    'gradients by tokens take weights of more than 32 for 32',
    [
      gradients,
      'direct: (token) => scales.lq * weights![token]!,',
      'direct: (token) => scales.lq * Math.min(32, weights![token]!),',
    ],
    gives((...x) => grad(loss(ddcl(x)).lq, [x[0]!]), ...problem(4, 3)),
  ),
  weighed(
    'products with the Hessian cut weights off at 8',
    [hessian, 'const weight = weights![start + row]!;', 'const weight = Math.min(8, weights![start + row]!);'],
    gives((...x) => [hessianProduct(ddcl(x), x[4]!)], ...problem(4, 3), some(f32(4, 3), 5)),
  ),
  weighed(
    'segment sums leave weights of less than a hundredth out',
    [
      `${composites}/segment-sums.ts`,
      'const share = weights![start + row]! * q',
      'const share = (weights![start + row]! < 0.01 ? 0 : weights![start + row]!) * q',
    ],
    gives(
      (...x) => [segmentSums({ ...ddcl(x), ids: x[4]! }, 2).mass],
      some(f32(2, 3)),
      of(f32(2), 0.001, 0.002),
      some(f32(4, 3), 2),
      of(f32(), 2),
      of(i32(2), 1, 0),
    ),
  ),
];

/** Widths and weights of the composites of DDCL. */
export const widthFaults: readonly PlantedFault[] = [...widths, ...weights];
