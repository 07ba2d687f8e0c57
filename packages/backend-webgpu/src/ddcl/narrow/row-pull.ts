import { writeLoader, type ProductCall } from '../../kernels/product/matmul.ts';
import { KernelModule, type Dispatch, type Symbols } from '../../wgsl/module.ts';
import { countOf } from '../../wgsl/place.ts';
import { memberOf, type Size } from '../../wgsl/size.ts';
import type { Stored, Value } from '../../wgsl/value.ts';
import { DerivativeText, type Derivative } from './derivative.ts';
import { withRows, type RowCall } from './rows.ts';

export interface RowPullCall extends RowCall {
  /** `(M, 1 / S, E / S, winner)`, [n, 4]. */
  readonly rows: Stored;
  /** What is multiplied by what, and summed up: `slope` is w, `share` q, `derivative` that by the distances (see {@link Derivative}). */
  readonly coefficient: 'slope' | 'share' | Derivative;
  /** a, [n], by which coefficients are multiplied; undefined for 1. */
  readonly weights: Stored | undefined;
  /** [n, m], what coefficients are multiplied by: the tokens or something else; undefined if their own sums are all. */
  readonly pulled: Value | undefined;
  /** Sums over ranges of tokens: `[splits, K, m + 1]`, the last of each row that of the coefficients; without a pull `[splits, K]`. */
  readonly target: Stored;
  readonly addedUp?: ProductCall['addedUp'];
}

const threads = 256;
/** As many workgroups keep a large card busy. */
const enoughGroups = 256;
const mostPartialBytes = 16 * 2 ** 20;
const leastTokens = 64;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Ranges that tokens are cut into. */
export function rowPullSplits(n: Size, m: Size, k: Size): number {
  const groups = Math.ceil(k.value / prototypesPerGroup(k));
  const bytes = 4 * k.value * (m.value + 1);
  const wanted = Math.ceil(enoughGroups / groups);
  return Math.max(1, Math.min(wanted, Math.floor(n.value / leastTokens), Math.floor(mostPartialBytes / bytes)));
}

function prototypesPerGroup(k: Size): number {
  return Math.min(64, 2 ** Math.ceil(Math.log2(k.value)));
}

/**
 * What pulls at the prototypes (docs/math.md section 3): a thread has a prototype and every so many tokens, makes their logits again from
 * registers, and needs a few numbers of each. Lanes of a prototype add up in order.
 */
export function rowPullKernel(symbols: Symbols, call: RowPullCall): Dispatch {
  const { tokens, prototypes, temperature, coefficient, pulled, target, addedUp } = call;
  const [n, m] = tokens.shape as [Size, Size];
  const k = prototypes.shape[0]!;
  const splits = target.shape[0]!.value;
  const module = new KernelModule({
    ...symbols,
    ddcl_n: n.value,
    ddcl_k: k.value,
    ddcl_splits: splits,
    ...(addedUp !== undefined && { ddcl_added: countOf(addedUp.from.shape).value }),
  });
  const { scope } = module;
  const [tokenCount, count, parts] = ['ddcl_n', 'ddcl_k', 'ddcl_splits'].map((name) => `sizes.${memberOf(name)}`);
  const own = prototypesPerGroup(k);
  const lanes = threads / own;
  const vectors = range(Math.ceil(m.value / 4));
  const loadZ = writeLoader(module, 'load_z', { value: withRows(tokens, tokenCount!), transposed: false }, []);
  const loadP = writeLoader(module, 'load_p', { value: withRows(prototypes, count!), transposed: false }, []);
  const heat = module.read(temperature.buffer, 'f32');
  const rows = module.read(call.rows.buffer, 'vec4f');
  const weights = call.weights && module.read(call.weights.buffer, 'f32');
  const isDerivative = typeof coefficient === 'object';
  const derivative = isDerivative ? new DerivativeText(module, coefficient, tokenCount!) : undefined;
  const pulls = pulled !== undefined;
  const loadX =
    pulls && pulled !== tokens
      ? writeLoader(module, 'load_x', { value: withRows(pulled, tokenCount!), transposed: false }, [])
      : undefined;
  const out = module.write(target.buffer, 'f32');
  module.shared('tile', `array<vec4f, ${threads}>`);

  scope.line(`let blocks = (${count} + ${own - 1}u) / ${own}u;`);
  scope.line(`let k = (group % blocks) * ${own}u + lane % ${own}u;`);
  scope.line(`let split = group / blocks;`);
  scope.line(`let first = lane / ${own}u;`);
  scope.line(`let inverse = 1.0 / ${heat}[0];`);
  for (const i of vectors)
    scope.line(`let p${i} = ${loadP}(0u, k, ${4 * i}u);${pulls ? ` var sum${i} = vec4f(0);` : ''}`);
  scope.line(`let length = ${vectors.map((i) => `dot(p${i}, p${i})`).join(' + ')};`);
  scope.line('var mass = 0.0;');
  scope.line(`let each = (${tokenCount} + ${parts} - 1u) / ${parts};`);
  scope.line(`let end = min(${tokenCount}, (split + 1u) * each);`);
  scope.block(`for (var r = split * each + first; r < end; r += ${lanes}u)`, () => {
    for (const i of vectors) scope.line(`let z${i} = ${loadZ}(0u, r, ${4 * i}u);`);
    scope.line(`let numbers = ${rows}[r];`);
    scope.line(
      `let d = (2.0 * (${vectors.map((i) => `dot(z${i}, p${i})`).join(' + ')}) - length) * inverse - numbers.x;`,
    );
    const brackets = [
      ...(coefficient === 'slope' ? ['(1.0 + d - numbers.z)'] : []),
      ...(weights === undefined ? [] : [`${weights}[r]`]),
    ];
    if (derivative === undefined) scope.line(`let w = ${['exp(d) * numbers.y', ...brackets].join(' * ')};`);
    else {
      derivative.read(scope, 'r', vectors);
      const mean = derivative.mean('r');
      const factor = [
        ...derivative.terms(
          'd - numbers.z',
          vectors.map((i) => `p${i}`),
        ),
        ...(mean ? [mean] : []),
      ];
      scope.line(`let w = exp(d) * numbers.y * (${factor.join(' + ')});`);
    }
    scope.line('mass += w;');
    if (loadX !== undefined) for (const i of vectors) scope.line(`let x${i} = ${loadX}(0u, r, ${4 * i}u);`);
    const name = loadX === undefined ? 'z' : 'x';
    if (pulls) scope.line(vectors.map((i) => `sum${i} += w * ${name}${i};`).join(' '));
  });
  const width = pulls ? m.value + 1 : 1;
  /** Adds the lanes up; the first one has the result. */
  const meet = (value: string, write: (total: string) => void): void => {
    scope.line(`tile[lane] = ${value};`);
    scope.line('workgroupBarrier();');
    scope.block(`if (first == 0u && k < ${count} && split < ${parts})`, () => {
      scope.line('var total = tile[lane];');
      scope.line(`for (var j = 1u; j < ${lanes}u; j++) { total += tile[lane + j * ${own}u]; }`);
      scope.line(`let base = (split * ${count} + k) * ${width}u;`);
      write('total');
    });
    scope.line('workgroupBarrier();');
  };
  if (pulls) {
    for (const i of vectors) {
      meet(`sum${i}`, (total) => {
        for (const c of range(Math.min(4, m.value - 4 * i))) {
          scope.line(`${out}[base + ${4 * i + c}u] = ${total}.${'xyzw'[c]};`);
        }
      });
    }
  }
  meet('vec4f(mass, 0.0, 0.0, 0.0)', (total) => scope.line(`${out}[base + ${width - 1}u] = ${total}.x;`));
  if (addedUp !== undefined) {
    const numbers = module.read(addedUp.from.buffer, 'f32');
    scope.block('if (group == 0u)', () => {
      scope.line('var added = 0.0;');
      scope.line(
        `for (var j = lane; j < sizes.${memberOf('ddcl_added')}; j += ${threads}u) { added += ${numbers}[j]; }`,
      );
      scope.line('tile[lane].x = added;');
      scope.line('workgroupBarrier();');
      scope.block('if (lane == 0u)', () => {
        scope.line(`for (var j = 1u; j < ${threads}u; j++) { added += tile[j].x; }`);
        scope.line(`${module.write(addedUp.to.buffer, 'f32')}[0] = added;`);
      });
    });
  }
  return module.finish({
    label: 'ddcl rowPull',
    comment: `of tokens [n, ${m.value}] at prototypes [K, ${m.value}], ${own} prototypes x ${lanes} lanes, ${isDerivative ? 'derivative' : coefficient}`,
    threads,
    groups: Math.ceil(k.value / own) * splits,
    flops: n.value * k.value * (2 * m.value + 8 + (pulls ? 2 * m.value : 0)),
    bytes: 4 * (Math.ceil(k.value / own) * n.value * (m.value + 5) + k.value * m.value + splits * k.value * width),
  });
}
