import { createRandom, DdclError, type Random } from '@ddcl/core';
import { describe, isFloat32Array, requireObject, requireOptions, requireWhole } from '../checks/require.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { resolveSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { outerNames } from './outer-tensors.ts';
import { stateTensors, type StateTensor } from './tensors.ts';
import { unitRows } from './unit-rows.ts';

/** A quantizer as plain data: what it is, and all its numbers. */
export interface QuantizerState {
  readonly spec: QuantizerSpec;
  /**
   * By name: `codes.<slice>.<level>` [K, c] (or `frame` and `matrix`), `mass` [K] the running share of each code, `rest` [K, c] what rounding (and for `cosine`
   * the length of 1) took off running averages, `direction`, `averages`, `temperature`; `project.*` and `norm.*` around them. Row-major.
   */
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/**
 * A state that has seen no data: codes normal (for `ddcl` near the mean), projections by Glorot.
 *
 * @throws DdclError `argument` for a spec that cannot be
 */
export function createState(spec: QuantizerSpec, options: { readonly seed?: number } = {}): QuantizerState {
  const resolved = resolveSpec(spec);
  requireOptions(options);
  const { seed = 0 } = options;
  requireWhole('seed', seed, 0);
  const random = createRandom(seed);
  const tensors: Record<string, Float32Array> = {};
  for (const tensor of stateTensors(resolved))
    tensors[tensor.name] = startOf(resolved, tensor, random.fork(tensor.name));
  return { spec, tensors };
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

/** Tensors of which no number is negative. */
const notNegative: readonly string[] = ['mass', 'averages', 'temperature', outerNames.normVariance];

/**
 * The spec of a state, whose tensors are checked: the one place where a state is.
 *
 * @throws DdclError `argument` for a spec that cannot be, or tensors that are none; `shape` for a tensor that is missing or of another size; `data` for numbers
 * that cannot be: not finite, or masses, temperatures and variances below 0
 */
export function requireState(state: QuantizerState): ResolvedSpec {
  const made = 'what createState, initialize, fitQuantizer or stateFromBytes makes, { spec, tensors }';
  requireObject('The state of a quantizer', state, made);
  requireObject("The state's spec", state.spec, 'an object such as { kind, dimension, codes }');
  requireObject("The state's tensors", state.tensors, 'an object of Float32Arrays by name');
  const spec = resolveSpec(state.spec);
  for (const { name, what, shape } of stateTensors(spec)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const found: unknown = state.tensors[name];
    if (!isFloat32Array(found) || found.length !== count) {
      throw new DdclError(
        'shape',
        `The state of a ${spec.kind} quantizer needs '${name}' of shape [${shape.join(', ')}], a Float32Array of ${count} numbers, but has ${isFloat32Array(found) ? found.length : found === undefined ? 'none' : describe(found)}.`,
        { shapes: [shape] },
      );
    }
    const isRight = notNegative.includes(what)
      ? (value: number): boolean => value >= 0 && value < Infinity
      : Number.isFinite;
    const bad = found.findIndex((value) => !isRight(value));
    if (bad < 0) continue;
    const wanted = isRight === Number.isFinite ? 'finite' : 'finite and >= 0';
    throw new DdclError('data', `The state's '${name}' must be ${wanted}, but number ${bad} is ${found[bad]}.`);
  }
  return spec;
}
