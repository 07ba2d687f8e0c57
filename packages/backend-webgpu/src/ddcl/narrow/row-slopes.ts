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
 * A thread takes a token through all prototypes and sums up what the derivative by its distances makes of them. Where something flows to the
 * outputs it takes them twice, for y first: `sum_k q f - f = F.(y - p) / T` keeps digits that a difference of large numbers loses.
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
  for (const i of vectors) scope.line(`let z${i} = ${loadZ}(0u, r, ${4 * i}u); var y${i} = vec4f(0);`);
  for (const i of vectors) scope.line(`var g${i} = vec4f(0);`);
  derivative.read(scope, 'known', vectors);
  /** Takes prototypes one after the other, with their logit and share. */
  const overPrototypes = (again: boolean, each: (prototype: readonly string[]) => void): void => {
    writeTile(module, { vectors, perTile, count, loadP, again }, () => {
      scope.block('for (var c = 0u; c < count; c++)', () => {
        for (const i of vectors) scope.line(`let p${i} = tile[c * ${vectors.length}u + ${i}u];`);
        const inner = vectors.map((i) => `dot(z${i}, p${i})`).join(' + ');
        scope.line(`let d = (2.0 * (${inner}) - lengths[c]) * inverse - numbers.x;`);
        scope.line('let q = exp(d) * numbers.y;');
        each(vectors.map((i) => `p${i}`));
      });
    });
  };
  const { flow } = call.derivative;
  if (flow !== undefined) {
    overPrototypes(false, () => scope.line(vectors.map((i) => `y${i} += q * p${i};`).join(' ')));
  }
  scope.line('var tilt = 0.0;');
  overPrototypes(flow !== undefined, (prototype) => {
    scope.line('let centred = d - numbers.z;');
    const fromMean = prototype.map((each, i) => `(${each} - y${i})`);
    scope.line(`let w = q * (${derivative.terms('centred', fromMean).join(' + ')});`);
    scope.line('tilt += w * centred;');
    if (mixture !== undefined) scope.line(vectors.map((i) => `g${i} += w * p${i};`).join(' '));
  });
  const mean = derivative.along(vectors.map((i) => `y${i}`)) ?? '0.0';
  scope.block(`if (r < ${tokenCount})`, () => {
    scope.line(`${sides}[r] = vec2f(tilt, ${mean});`);
    if (mixture === undefined) return;
    for (const c of range(m.value)) {
      scope.line(`${mixture}[r * ${m.value}u + ${c}u] = g${c >> 2}.${'xyzw'[c & 3]};`);
    }
  });
  return module.finish({
    label: 'ddcl rowSlopes',
    comment: `of tokens [n, ${m.value}] over prototypes [K, ${m.value}], a token a thread`,
    threads: rowThreads,
    groups: Math.ceil(n.value / rowThreads),
    flops: n.value * k.value * (flow === undefined ? 4 * m.value + 8 : 10 * m.value + 14),
    bytes: 4 * (n.value * (3 * m.value + 7) + k.value * m.value),
  });
}
