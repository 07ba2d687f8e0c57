import { createRandom, DdclError, type Random } from '@ddcl/core';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { resolveSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { stateTensors, type StateTensor } from './tensors.ts';
import { unitRows } from './unit-rows.ts';

/** A quantiser as plain data: what it is, and all its numbers. */
export interface QuantizerState {
  readonly spec: QuantizerSpec;
  /**
   * By name: `codes.<slice>.<level>` [K, c] (or `frame` and `matrix`), `mass` [K] the running share of each code, `sums`, `direction`,
   * `averages`, `temperature`; `project.*` and `norm.*` around them. Row-major.
   */
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/**
 * A state that has seen no data: codes normal (for `ddcl` near the mean), projections by Glorot.
 *
 * @throws DdclError `argument` for a spec that cannot be
 */
export function createState(spec: QuantizerSpec, { seed = 0 }: { readonly seed?: number } = {}): QuantizerState {
  const resolved = resolveSpec(spec);
  const random = createRandom(seed);
  const tensors: Record<string, Float32Array> = {};
  for (const tensor of stateTensors(resolved))
    tensors[tensor.name] = startOf(resolved, tensor, random.fork(tensor.name));
  return { spec, tensors: withSums(tensors) };
}

/** Where `ddcl` codes start, as a share of the deviation of normed latents: far-out codes are lost (docs/math.md section 5). */
const pulledDeviation = 0.3;

function startOf(
  { kind, codes, codeDimension }: ResolvedSpec,
  { what, shape }: StateTensor,
  random: Random,
): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const filled = (next: (index: number) => number): Float32Array =>
    Float32Array.from({ length: count }, (_, index) => next(index));
  const normal = (deviation: number): Float32Array => filled(() => deviation * random.normal());
  switch (what) {
    case 'codes':
      if (kind === 'cosine') return unitRows(normal(1), codeDimension);
      return normal(kind === 'ddcl' ? pulledDeviation : 1);
    case 'frame':
      return normal(codeDimension ** -0.5);
    case 'matrix':
      // Of the length that normed latents have.
      return filled((index) => (index % (codeDimension + 1) === 0 ? Math.sqrt(codeDimension) : 0));
    case 'mass':
      return filled(() => 1 / codes);
    case 'direction': {
      const vector = normal(1);
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    }
    case 'project.in.weight':
    case 'project.out.weight': {
      const limit = Math.sqrt(6 / (shape[0]! + shape[1]!));
      return filled(() => limit * (2 * random.uniform() - 1));
    }
    default:
      return filled(() => 0);
  }
}

/** Tensors whose `sums` say the same as codes and masses: other sums would undo the codes at the next step. */
export function withSums(tensors: Readonly<Record<string, Float32Array>>): Record<string, Float32Array> {
  const made = { ...tensors };
  for (const name of Object.keys(tensors)) {
    if (!name.startsWith('sums.')) continue;
    const [codes, mass] = [tensors[name.replace('sums', 'codes')]!, tensors[name.replace('sums', 'mass')]!];
    const width = codes.length / mass.length;
    made[name] = codes.map((value, index) => value * mass[Math.floor(index / width)]!);
  }
  return made;
}

/**
 * The spec of a state, whose tensors are checked.
 *
 * @throws DdclError `argument` for a spec that cannot be; `shape` for a tensor that is missing or of another size; `data` for numbers that are not finite
 */
export function requireState(state: QuantizerState): ResolvedSpec {
  if (typeof state?.spec !== 'object' || typeof state.tensors !== 'object') {
    throw new DdclError(
      'argument',
      'A quantiser needs its state { spec, tensors }. Make one with createState, initialise or stateFromBytes.',
    );
  }
  const spec = resolveSpec(state.spec);
  for (const { name, shape } of stateTensors(spec)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const found = state.tensors[name];
    if (found?.length !== count) {
      throw new DdclError(
        'shape',
        `The state of a ${spec.kind} quantiser needs '${name}' of shape [${shape.join(', ')}], ${count} numbers, but has ${found === undefined ? 'none' : found.length}.`,
        { shapes: [shape] },
      );
    }
    const bad = found.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new DdclError('data', `The state's '${name}' must be finite, but number ${bad} is ${found[bad]}.`);
  }
  return spec;
}
