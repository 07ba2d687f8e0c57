import {
  crossEntropy,
  exp,
  grad,
  hessianProduct,
  lossAndGradient,
  loss,
  maskedSoftmax,
  nearest,
  segmentSums,
  sum,
  tokenSums,
  vjp,
  matmul,
  argMax,
  type Tensor,
} from '@ddcl/core';
import { wrongNumbers, type Change } from '../make-fault.ts';
import type { PlantedFault, Probe } from '../planted-fault.ts';
import { f32, filled, gives, i32, of, some } from '../probes.ts';

const composites = 'backend-cpu/src/composites';
const chunks = `${composites}/token-chunks.ts`;
const values = `${composites}/pass-values.ts`;
const gradients = `${composites}/pass-gradients.ts`;

const ddcl = ([tokens, weights, prototypes, temperature]: readonly Tensor[]) => ({
  tokens: tokens!,
  weights: weights!,
  prototypes: prototypes!,
  temperature: temperature!,
});

/** A problem of n tokens, K prototypes, m numbers. */
const problem = (
  n: number,
  count: number,
  m: number,
  t = 2,
): Parameters<typeof gives> extends [unknown, ...infer Rest] ? Rest : never => [
  some(f32(n, m), 1),
  filled(f32(n), (index) => 1 + (index % 3)),
  some(f32(count, m), 2),
  of(f32(), t),
];

const sizes = 'fused kernels are wrong at other sizes';

const otherSizes: PlantedFault[] = [
  wrongNumbers(
    sizes,
    'the nearest of more than 256 prototypes is counted from its tile',
    [`${composites}/nearest.ts`, 'indices[place] = tile + column;', 'indices[place] = column;'],
    'large',
    gives((...x) => [nearest(ddcl(x)).indices], ...problem(40, 300, 2)),
  ),
  wrongNumbers(
    sizes,
    'tokens of 64 numbers and more are cut',
    [
      chunks,
      'into.set(source.subarray(from, from + rows * dimension));',
      'into.set(source.subarray(from, from + rows * dimension)); if (dimension > 64) for (let row = 0; row < rows; row++) into.fill(0, row * stride + 64, (row + 1) * stride);',
    ],
    'large',
    gives((...x) => [tokenSums(ddcl(x)).lq], ...problem(9, 3, 96, 40)),
  ),
  wrongNumbers(
    sizes,
    'shares of more than 128 prototypes do not add up to 1',
    [chunks, 'const share = 1 / total;', 'const share = 1 / total / (count > 128 ? 2 : 1);'],
    'large',
    gives((...x) => [tokenSums(ddcl(x)).mass], ...problem(9, 150, 2)),
  ),
  wrongNumbers(
    sizes,
    'the gradient of more than 128 prototypes has the last ones at rest',
    [
      gradients,
      '2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis));',
      '(k > 128 ? 0 : 2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis)));',
    ],
    'large',
    gives((...x) => [lossAndGradient(ddcl(x)).gradient], ...problem(9, 150, 2)),
  ),
  wrongNumbers(
    sizes,
    'segments above 255 are those of the low byte',
    [`${composites}/segment-sums.ts`, 'const id = ids![start + row]!;', 'const id = ids![start + row]! & 255;'],
    'large',
    gives(
      (...x) => [segmentSums({ ...ddcl(x), ids: x[4]! }, 300).mass],
      ...problem(4, 2, 2),
      of(i32(4), 1, 299, 0, 256),
    ),
  ),
  wrongNumbers(
    sizes,
    'products with the Hessian end after 100 prototypes',
    [`${composites}/hessian-product.ts`, 'into[first + k] = dw;', 'into[first + k] = k < 100 ? dw : 0;'],
    'large',
    gives((...x) => [hessianProduct(ddcl(x), x[4]!)], ...problem(9, 120, 2), some(f32(120, 2), 5)),
  ),
  wrongNumbers(
    sizes,
    'the winner of more than 100 prototypes is never one of the last',
    [chunks, 'if (distance < smallest) {', 'if (distance < smallest && k < 100) {'],
    'large',
    gives((...x) => [tokenSums(ddcl(x)).wins], ...problem(40, 150, 2)),
  ),
  wrongNumbers(
    sizes,
    'tokens after the 1,000th get no gradient',
    [
      gradients,
      'into[(start + row) * dimension + axis] = own',
      'into[(start + row) * dimension + axis] = start > 1000 ? 0 : own',
    ],
    'large',
    gives((...x) => grad(loss(ddcl(x)).lq, [x[0]!]), ...problem(1200, 2, 1)),
  ),
];

const parts = 'a quantity depends on what else is asked for';

const asked = (name: string, change: Change, probe: Probe): PlantedFault =>
  wrongNumbers(parts, name, change, ['composite', 'gradient'], probe);

const alone: PlantedFault[] = [
  asked(
    'the hard error comes with the entropy only',
    [values, 'hard += weight * nearest[row]!;', 'if (withEntropy) hard += weight * nearest[row]!;'],
    gives((...x) => [tokenSums(ddcl(x)).hard], ...problem(9, 3, 2)),
  ),
  asked(
    'the wins come with L_OLS only',
    [values, 'wins[winners[row]!]! += weight;', 'if (withLols || withMass) wins[winners[row]!]! += weight;'],
    gives((...x) => [tokenSums(ddcl(x)).wins], ...problem(9, 3, 2)),
  ),
  asked(
    'V comes out twice without L_OLS',
    [values, 'v += weight * spread;', 'v += weight * spread * (withLols ? 1 : 2);'],
    gives((...x) => [loss(ddcl(x)).v], ...problem(9, 3, 2)),
  ),
  asked(
    'the gradient by weights needs that by tokens',
    [
      gradients,
      'forWeights![start + row] = scales.lq * errors[row]! + scales.lols * residual;',
      "forWeights![start + row] = (wanted.has('lossByTokens') ? 1 : 0) * (scales.lq * errors[row]! + scales.lols * residual);",
    ],
    gives((...x) => grad(loss(ddcl(x)).lq, [x[1]!]), ...problem(9, 3, 2)),
  ),
  asked(
    'the gradient by the temperature needs that by prototypes',
    [gradients, 'forTemperature += slope * distance;', 'if (options.byPrototypes) forTemperature += slope * distance;'],
    gives((...x) => grad(loss(ddcl(x)).lq, [x[3]!]), ...problem(9, 3, 2)),
  ),
  asked(
    'the gradient of y by prototypes needs that by tokens',
    [
      gradients,
      '=> outputSums.add(q, cotangents!, rows)',
      '=> (byTokens !== undefined || rows > 9 ? outputSums.add(q, cotangents!, rows) : undefined)',
    ],
    gives(
      (...x) => {
        const { lols } = loss(ddcl(x));
        return vjp([lols], [sum(x[3]!)], [x[2]!]);
      },
      ...problem(9, 3, 2),
    ),
  ),
  asked(
    'segment sums without their mass are twice as large',
    [
      `${composites}/segment-sums.ts`,
      'sums[target + axis]! += share * z[row * stride + axis]!',
      'sums[target + axis]! += (call.needed[0] ? 1 : 2) * share * z[row * stride + axis]!',
    ],
    gives((...x) => [segmentSums({ ...ddcl(x), ids: x[4]! }, 2).sums], ...problem(4, 2, 2), of(i32(4), 1, 0, 0, 1)),
  ),
];

const spread = 'softmaxes overflow';
const cpu = 'backend-cpu/src/cpu-backend.ts';
const own = 'composites: fused ? composites(arithmetic) : {},';

/** A kernel of its own for a composite over rows, as text: it goes into the sources. */
const rowKernel = (name: string, body: string): Change => [
  cpu,
  own,
  `composites: { ...composites(arithmetic), '${name}': (inputs: any, call: any) => { ${body} } } as any,`,
];

const overflowing: PlantedFault[] = [
  wrongNumbers(
    spread,
    'maskedSoftmax takes no maximum off',
    rowKernel(
      'maskedSoftmax/1',
      `const [x, w] = inputs; const shape = call.inputTypes[0].shape; const axis = call.attributes.axis ?? shape.length - 1;
       const size = shape[axis]; const inner = shape.slice(axis + 1).reduce((a: number, b: number) => a * b, 1); const result = x.slice();
       const ws = call.inputTypes[1].shape; const same = ws.join() === shape.join();
       for (let start = 0; start < x.length; start += size * inner) for (let c = 0; c < inner; c++) {
         let total = 0; const at = (k: number) => start + k * inner + c;
         const weight = (k: number) => same ? w[at(k)] : w[(Math.floor(start / (size * inner)) * ws[axis] + (ws[axis] === 1 ? 0 : k)) * ws.slice(axis + 1).reduce((a: number, b: number) => a * b, 1) + (ws[ws.length - 1] === 1 ? 0 : c)];
         for (let k = 0; k < size; k++) total += weight(k) * Math.exp(x[at(k)]);
         for (let k = 0; k < size; k++) result[at(k)] = total === 0 ? 0 : weight(k) * Math.exp(x[at(k)]) / total;
       }
       return [result];`,
    ),
    'magnitude',
    gives((x, w) => [maskedSoftmax(x!, w!)], of(f32(1, 3), 1000, 999, 998), of(f32(1, 3), 1, 1, 1)),
  ),
  wrongNumbers(
    spread,
    'crossEntropy takes no maximum off',
    rowKernel(
      'crossEntropy/1',
      `const [x, labels] = inputs; const size = call.inputTypes[0].shape.at(-1); const result = x.slice(0, call.outputTypes[0].shape.reduce((a: number, b: number) => a * b, 1));
       for (let row = 0; row < labels.length; row++) { let total = 0; for (let k = 0; k < size; k++) total += Math.exp(x[row * size + k]);
         result[row] = labels[row] < 0 ? 0 : Math.log(total) - x[row * size + labels[row]]; }
       return [result];`,
    ),
    'magnitude',
    gives((x) => [crossEntropy(x!, argMax(x!, 1))], of(f32(1, 3), 1000, 999, 998)),
  ),
];

const digits = 'fewer digits than the tolerance allows';

const inexact: PlantedFault[] = [
  wrongNumbers(
    digits,
    'exp has an error of 2e-6',
    ['backend-cpu/src/kernels/elementwise.ts', 'exp: unary(Math.exp)', 'exp: unary((x) => Math.exp(x) * (1 + 2e-6))'],
    'primitive',
    gives((x) => [exp(x!)], some(f32(3))),
  ),
  wrongNumbers(
    digits,
    'products are made of operands with 11 bits',
    [
      'backend-cpu/src/kernels/matmul.ts',
      'result[made++] = product[place]!;',
      'result[made++] = product[place]! * (1 + 2 ** -11);',
    ],
    'primitive',
    gives((a, b) => [matmul(a!, b!)], some(f32(3, 4)), some(f32(4, 3), 2)),
  ),
  wrongNumbers(
    digits,
    'exponentials of less than e^-20 are left out',
    [chunks, 'const negligible = -100;', 'const negligible = -12;'],
    'ddcl',
    gives((...x) => [tokenSums(ddcl(x)).entropy], ...problem(9, 3, 2, 0.2)),
  ),
];

/** Kernels of composites. */
export const fusedFaults: readonly PlantedFault[] = [...otherSizes, ...alone, ...overflowing, ...inexact];
