import { DdclError } from '@ddcl/core';
import { requireArgument, requireOptions, requireWhole } from '../checks/require.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { outerNames } from '../state/outer-tensors.ts';
import type { QuantizerState } from '../state/state.ts';
import { checkWeights, toLayout } from './latents.ts';
import { createLookUp } from './look-up.ts';

export interface DecodeOptions {
  /** Sizes without the channels, to lay vectors out as the latents were; default [n]. */
  readonly places?: readonly number[];
  /** Axis of the components in the result; counted from the back if negative. Default the last. */
  readonly channelAxis?: number;
  /** As given to `quantize`: vectors of weight 0 become zeros, whatever their index. */
  readonly weights?: ArrayLike<number>;
  /** How many residual levels to add up; the first ones. Default all. */
  readonly levels?: number;
}

/** Looks codes up again and again. */
export interface Decoder {
  readonly spec: ResolvedSpec;
  /** Vectors [n, m] of indices [n, H D]. @throws DdclError as {@link decode} */
  decode(indices: ArrayLike<number>, options?: DecodeOptions): Float32Array;
}

/** @throws DdclError as the state's check */
export function createDecoder(state: QuantizerState): Decoder {
  const lookUp = createLookUp(state);
  const { spec } = lookUp;
  return {
    spec,
    decode(indices, options = {}) {
      requireOptions(options);
      const { places, channelAxis = -1, weights, levels = spec.depth } = options;
      if (places !== undefined) requireArgument('places', places, Array.isArray(places), 'a list of sizes');
      const count = lookUp.countOf(indices);
      const layout = places ?? [count];
      requireArgument('channelAxis', channelAxis, Number.isSafeInteger(channelAxis), 'a whole number');
      const axis = channelAxis < 0 ? channelAxis + layout.length + 1 : channelAxis;
      checkSizes(count, layout, weights);
      if (axis < 0 || axis > layout.length) {
        throw new DdclError(
          'argument',
          `channelAxis must be one of the ${layout.length + 1} axes of the result, but is ${channelAxis}.`,
        );
      }
      requireWhole('levels', levels, 1, spec.depth);
      const inner = lookUp.find(indices, { weights, levels });
      const rows = spec.projected ? projected(spec, state, inner, weights) : inner;
      return toLayout(rows, { places: layout, channelAxis: axis });
    },
  };
}

/**
 * The vectors of stored codes: what `quantize` called `hard`, to the last bit.
 *
 * @param indices [n, H D], for each head its levels
 * @throws DdclError `data` for an index that is no code, such as -1 (a mask is needed to leave vectors out); `shape` for a number of indices or sizes that do not fit
 */
export function decode(state: QuantizerState, indices: ArrayLike<number>, options: DecodeOptions = {}): Float32Array {
  return createDecoder(state).decode(indices, options);
}

function checkSizes(count: number, places: readonly number[], weights: ArrayLike<number> | undefined): void {
  const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;
  if (!places.every(isSize) || places.reduce((all, size) => all * size, 1) !== count) {
    throw new DdclError(
      'shape',
      `There are codes of ${count} vectors, which is not [${places.map(String).join(', ')}].`,
      {
        shapes: [places],
      },
    );
  }
  checkWeights(weights, count, places);
}

/** Heads side by side back to vectors; sums in float64. */
function projected(
  { dimension, heads, codeDimension }: ResolvedSpec,
  { tensors }: QuantizerState,
  inner: Float32Array,
  weights: ArrayLike<number> | undefined,
): Float32Array {
  const width = heads * codeDimension;
  const [weight, bias] = [tensors[outerNames.outWeight]!, tensors[outerNames.outBias]!];
  const count = inner.length / width;
  const rows = new Float32Array(count * dimension);
  const sums = new Float64Array(dimension);
  for (let vector = 0; vector < count; vector++) {
    if (weights !== undefined && !(weights[vector]! > 0)) continue;
    sums.set(bias);
    for (let axis = 0; axis < width; axis++) {
      const value = inner[vector * width + axis]!;
      for (let component = 0; component < dimension; component++)
        sums[component]! += value * weight[axis * dimension + component]!;
    }
    rows.set(sums, vector * dimension);
  }
  return rows;
}
