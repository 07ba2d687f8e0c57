import { writeLoader } from '../../kernels/product/matmul.ts';
import { KernelModule, type Dispatch, type Symbols } from '../../wgsl/module.ts';
import { memberOf, type Size } from '../../wgsl/size.ts';
import type { Stored, Value } from '../../wgsl/value.ts';
import type { ErrorSums } from '../logits.ts';

export interface RowCall {
  /** [n, m], m so small that a token and its output fit the registers of a thread. */
  readonly tokens: Value;
  readonly prototypes: Value;
  readonly temperature: Stored;
}

export interface RowTargets {
  /** `(M, 1 / S, E / S, winner)`, [n, 4]. */
  readonly rows: Stored;
  /** `(|z|^2, |z - y|^2, sum_k q |p_k|^2 - |y|^2, 0)`, [n, 4]; undefined if nobody asks. */
  readonly more: Stored | undefined;
  /** y, [n, m]; undefined if nobody asks. */
  readonly outputs: Stored | undefined;
  /** `sum a l` of each workgroup. */
  readonly errors: ErrorSums | undefined;
}

/** Tokens of a workgroup. */
export const rowThreads = 64;
/** Prototypes in shared memory, as vec4f: 8 KiB. */
export const tileVectors = 512;
/** Logits between two looks at the maximum. */
const step = 8;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/**
 * A thread takes a token through all prototypes and keeps its statistics and its output in registers, so that nothing of N x K is written
 * (docs/math.md sections 1 and 2). A new maximum scales what was summed up before.
 */
export function rowsKernel(symbols: Symbols, call: RowCall, targets: RowTargets): Dispatch {
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
  const rows = module.write(targets.rows.buffer, 'vec4f');
  const more = targets.more && module.write(targets.more.buffer, 'vec4f');
  const keepsOutputs = targets.outputs !== undefined || more !== undefined;

  scope.line(`let r = group * ${rowThreads}u + lane;`);
  scope.line(`let inverse = 1.0 / ${heat};`);
  for (const i of vectors) scope.line(`let z${i} = ${loadZ}(0u, r, ${4 * i}u); var y${i} = vec4f(0);`);
  scope.line('var high = 0.0; var total = 0.0; var tilt = 0.0; var spread = 0.0; var winner = 0u;');
  writeTile(module, { vectors, perTile, count, loadP }, () => {
    scope.block(`for (var c = 0u; c < count; c += ${step}u)`, () => {
      // Those past the end stand in for the last one.
      for (const j of range(step)) {
        const inner = vectors.map((i) => `dot(z${i}, tile[k${j} * ${vectors.length}u + ${i}u])`).join(' + ');
        scope.line(`let k${j} = min(c + ${j}u, count - 1u);`);
        scope.line(`let x${j} = (2.0 * (${inner}) - lengths[k${j}]) * inverse;`);
      }
      scope.line('var top = x0; var best = first + c;');
      for (const j of range(step).slice(1)) scope.line(`if (x${j} > top) { top = x${j}; best = first + k${j}; }`);
      scope.block('if (first + c == 0u || top > high)', () => {
        scope.line('let d = select(high - top, 0.0, first + c == 0u);');
        scope.line('let f = exp(d);');
        scope.line('tilt = f * (tilt + d * total); total *= f; spread *= f; high = top; winner = best;');
        if (keepsOutputs) scope.line(vectors.map((i) => `y${i} *= f;`).join(' '));
      });
      for (const j of range(step)) {
        const outputs = keepsOutputs
          ? vectors.map((i) => ` y${i} += e * tile[k${j} * ${vectors.length}u + ${i}u];`).join('')
          : '';
        scope.line(
          `if (c + ${j}u < count) { let d = x${j} - high; let e = exp(d); total += e; tilt += e * d; spread += e * lengths[k${j}];${outputs} }`,
        );
      }
    });
  });
  scope.line('let share = 1.0 / total;');
  scope.line(`let square = ${vectors.map((i) => `dot(z${i}, z${i})`).join(' + ')};`);
  if (targets.errors !== undefined) scope.line('var error = 0.0;');
  scope.block(`if (r < ${tokenCount})`, () => {
    scope.line(`${rows}[r] = vec4f(high, share, tilt * share, f32(winner));`);
    if (keepsOutputs) scope.line('var rest = 0.0; var length = 0.0;');
    if (keepsOutputs) {
      for (const i of vectors) {
        scope.line(`y${i} *= share; { let d = z${i} - y${i}; rest += dot(d, d); length += dot(y${i}, y${i}); }`);
      }
    }
    if (more !== undefined) scope.line(`${more}[r] = vec4f(square, rest, max(spread * share - length, 0.0), 0.0);`);
    if (targets.outputs !== undefined) {
      const out = module.write(targets.outputs.buffer, 'f32');
      for (const c of range(m.value)) {
        scope.line(`${out}[r * ${m.value}u + ${c}u] = y${c >> 2}.${'xyzw'[c & 3]};`);
      }
    }
    if (targets.errors !== undefined) {
      const weight = module.read(targets.errors.weights.buffer, 'f32');
      scope.line(`error = ${weight}[r] * max(square - ${heat} * (high + tilt * share), 0.0);`);
    }
  });
  if (targets.errors !== undefined) {
    scope.line('workgroupBarrier();');
    scope.line('lengths[lane] = error;');
    scope.line('workgroupBarrier();');
    // A folded grid has more workgroups than there are sums.
    scope.block(`if (lane == 0u && group * ${rowThreads}u < ${tokenCount})`, () => {
      scope.line(`for (var j = 1u; j < ${rowThreads}u; j++) { error += lengths[j]; }`);
      scope.line(`${module.write(targets.errors!.sums.buffer, 'f32')}[group] = error;`);
    });
  }
  const pairs = n.value * k.value;
  return module.finish({
    label: 'ddcl rows',
    comment: `tokens [n, ${m.value}] over prototypes [K, ${m.value}], a token a thread`,
    threads: rowThreads,
    groups: Math.ceil(n.value / rowThreads),
    flops: pairs * (2 * m.value + 10 + (keepsOutputs ? 2 * m.value : 0)),
    bytes: 4 * (n.value * (m.value + 4 + (more ? 4 : 0) + (targets.outputs ? m.value : 0)) + k.value * m.value),
  });
}

interface TileParts {
  readonly vectors: readonly number[];
  /** Prototypes that shared memory holds. */
  readonly perTile: number;
  /** WGSL of K. */
  readonly count: string;
  /** The function that loads four numbers of a prototype. */
  readonly loadP: string;
  /** Whether the kernel has done so before. */
  readonly again?: boolean;
}

/**
 * Takes all prototypes through shared memory, as many at a time as it holds: in `each` there are `count` of them, from `first` on, in `tile`, and
 * `|p|^2` in `lengths`.
 */
export function writeTile(
  module: KernelModule,
  { vectors, perTile, count, loadP, again = false }: TileParts,
  each: () => void,
): void {
  const { scope } = module;
  if (!again) {
    module.shared('tile', `array<vec4f, ${perTile * vectors.length}>`);
    module.shared('lengths', `array<f32, ${perTile}>`);
  }
  scope.block(`for (var first = 0u; first < ${count}; first += ${perTile}u)`, () => {
    scope.line('workgroupBarrier();');
    scope.block(`for (var e = lane; e < ${perTile}u; e += ${rowThreads}u)`, () => {
      scope.line('var length = 0.0;');
      for (const i of vectors) {
        scope.line(
          `{ let four = ${loadP}(0u, first + e, ${4 * i}u); tile[e * ${vectors.length}u + ${i}u] = four; length += dot(four, four); }`,
        );
      }
      scope.line('lengths[e] = length;');
    });
    scope.line('workgroupBarrier();');
    scope.line(`let count = min(${perTile}u, ${count} - first);`);
    each();
  });
}

/** A buffer whose rows are counted by a member of `sizes`, so that kernels for any number of them are one. */
export function withRows(value: Value, text: string): Value {
  if (value.kind !== 'stored') return value;
  const [rows, ...rest] = value.shape;
  return { ...value, shape: [{ value: rows!.value, text }, ...rest] };
}
