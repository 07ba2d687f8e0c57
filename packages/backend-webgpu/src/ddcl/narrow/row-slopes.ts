import { writeLoader } from '../../kernels/product/matmul.ts';
import { KernelModule, type Dispatch, type Symbols } from '../../wgsl/module.ts';
import { memberOf, type Size } from '../../wgsl/size.ts';
import type { Stored } from '../../wgsl/value.ts';
import { DerivativeText, type Derivative } from './derivative.ts';
import { rowThreads, tileVectors, withRows, writeTile, type RowCall } from './rows.ts';

export interface RowSlopesCall extends RowCall {
  /** `(M, 1 / S, E / S, winner)`, [n, 4]. */
  readonly rows: Stored;
  readonly derivative: Omit<Derivative, 'sides'>;
  /** Where `D P` goes, [n, m]; undefined if nobody asks. */
  readonly mixture: Stored | undefined;
  /** Where `(sum_k D (x - s), sum_k q f)` goes, [n, 2]. */
  readonly sides: Stored;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/**
 * A thread takes a token through all prototypes and sums up what the derivative by its distances makes of them. The mean of f is known at the
 * end only, but it multiplies `sum_k q p = y` and `sum_k q (x - s) = 0`.
 */
export function rowSlopesKernel(symbols: Symbols, call: RowSlopesCall): Dispatch {
  const { tokens, prototypes, temperature } = call;
  const [n, m] = tokens.shape as [Size, Size];
  const k = prototypes.shape[0]!;
  const module = new KernelModule({ ...symbols, ddcl_n: n.value, ddcl_k: k.value });
  const { scope } = module;
  const [tokenCount, count] = [`sizes.${memberOf('ddcl_n')}`, `sizes.${memberOf('ddcl_k')}`];
  const vectors = range(Math.ceil(m.value / 4));
  const perTile = Math.floor(tileVectors / vectors.length);
  const loadZ = writeLoader(module, 'load_z', { value: withRows(tokens, tokenCount), transposed: false }, []);
  const loadP = writeLoader(module, 'load_p', { value: withRows(prototypes, count), transposed: false }, []);
  const heat = `${module.read(temperature.buffer, 'f32')}[0]`;
  const rows = module.read(call.rows.buffer, 'vec4f');
  const derivative = new DerivativeText(module, { ...call.derivative, sides: undefined }, tokenCount);
  const sides = module.write(call.sides.buffer, 'vec2f');
  const mixture = call.mixture && module.write(call.mixture.buffer, 'f32');

  scope.line(`let r = group * ${rowThreads}u + lane;`);
  scope.line(`let known = min(r, ${tokenCount} - 1u);`);
  scope.line(`let inverse = 1.0 / ${heat};`);
  scope.line(`let numbers = ${rows}[known];`);
  for (const i of vectors)
    scope.line(`let z${i} = ${loadZ}(0u, r, ${4 * i}u); var y${i} = vec4f(0); var g${i} = y${i};`);
  derivative.read(scope, 'known', vectors);
  scope.line('var tilt = 0.0; var mean = 0.0;');
  writeTile(module, { vectors, perTile, count, loadP }, () => {
    scope.block('for (var c = 0u; c < count; c++)', () => {
      for (const i of vectors) scope.line(`let p${i} = tile[c * ${vectors.length}u + ${i}u];`);
      const inner = vectors.map((i) => `dot(z${i}, p${i})`).join(' + ');
      scope.line(`let d = (2.0 * (${inner}) - lengths[c]) * inverse - numbers.x;`);
      scope.line('let q = exp(d) * numbers.y; let centred = d - numbers.z;');
      const prototype = vectors.map((i) => `p${i}`);
      scope.line(`let w = q * (${derivative.terms('centred', prototype).join(' + ')});`);
      scope.line('tilt += w * centred;');
      const along = derivative.along(prototype);
      if (along !== undefined) scope.line(`mean += q * (${along});`);
      if (mixture !== undefined) scope.line(vectors.map((i) => `g${i} += w * p${i}; y${i} += q * p${i};`).join(' '));
    });
  });
  scope.block(`if (r < ${tokenCount})`, () => {
    scope.line(`${sides}[r] = vec2f(tilt, mean);`);
    if (mixture === undefined) return;
    for (const c of range(m.value)) {
      const [vector, component] = [c >> 2, 'xyzw'[c & 3]];
      scope.line(`${mixture}[r * ${m.value}u + ${c}u] = g${vector}.${component} + mean * y${vector}.${component};`);
    }
  });
  return module.finish({
    label: 'ddcl rowSlopes',
    comment: `of tokens [n, ${m.value}] over prototypes [K, ${m.value}], a token a thread`,
    threads: rowThreads,
    groups: Math.ceil(n.value / rowThreads),
    flops: n.value * k.value * (8 * m.value + 10),
    bytes: 4 * (n.value * (3 * m.value + 7) + k.value * m.value),
  });
}
