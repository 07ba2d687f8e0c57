import { createRandom, DdclError, type Random } from '@ddcl/core';
import { abortableBackend, type Backend } from '@ddcl/core/backend';
import { abortableSource, initialize as startOf, kMeans, type AbortSignalLike, type TokenSource } from '@ddcl/core/fit';
import {
  requireArgument,
  requireBackend,
  requireObject,
  requireOptions,
  requireSource,
  requireWhole,
} from '../checks/require.ts';
import { tensorName, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import { hasCodes } from '../state/codebooks.ts';
import { outerStart } from './outer-start.ts';
import { unitRows } from '../state/unit-rows.ts';
import { createState, requireState, type QuantizerState } from '../state/state.ts';
import { rowSource } from '../apply/row-pass.ts';
import { requireResolution } from './resolution.ts';
import { atPlace, leftOver, sampleOf, slicesOf, type Sample } from './sample.ts';

export interface InitializeOptions {
  /** Where codes start: `k-means` (10 iterations, the default), random `tokens`, or `pulled` tokens (0.3 of their distance from the mean). */
  readonly start?: 'k-means' | 'tokens' | 'pulled';
  /** Moves of the centroids. Default 10. */
  readonly iterations?: number;
  /** Most vectors that are looked at, a uniform sample. Default 256 per code, at least 16,384. */
  readonly sample?: number;
  /** A whole number >= 0. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignalLike;
}

const starts: readonly string[] = ['k-means', 'tokens', 'pulled'];

/**
 * A state whose codes start among vectors, level by level: each on what the levels before leave. For `simvq` the frame starts there. Masses and running
 * averages agree with the codes. With a norm its statistics are those of the vectors.
 *
 * @param spec, or a state whose projections are kept, as after a warm-up
 * @throws DdclError `data` for fewer distinct vectors than codes, numbers that are not finite, or
 * vectors so far from 0 that float32 rounds off what they differ by; `shape` for vectors of another length; `aborted`
 */
export async function initialize(
  backend: Backend,
  spec: QuantizerSpec | QuantizerState,
  source: TokenSource,
  options: InitializeOptions = {},
): Promise<QuantizerState> {
  requireBackend(backend);
  requireObject('The spec or state', spec, 'an object');
  requireSource(source);
  requireOptions(options);
  const { start = 'k-means', iterations = 10, seed = 0, sample: most, signal } = options;
  backend = abortableBackend(backend, signal);
  requireArgument('start', start, starts.includes(start), `one of ${starts.join(', ')}`);
  requireWhole('iterations', iterations, 1);
  requireWhole('seed', seed, 0);
  if (most !== undefined) requireWhole('sample', most, 1);
  const begun = 'tensors' in spec ? spec : createState(spec, { seed });
  const resolved = requireState(begun);
  if (source.dimension !== resolved.dimension) {
    throw new DdclError(
      'shape',
      `The quantizer takes vectors of ${resolved.dimension} components, but the source has ${source.dimension}.`,
      { shapes: [[source.dimension], [resolved.dimension]] },
    );
  }
  const random = createRandom(seed);
  const size = most ?? Math.max(16_384, 256 * Math.min(resolved.codes, 1 << 16));
  const sample = await sampleOf(abortableSource(source, signal), size, random.fork('sample'));
  requireResolution(sample);
  let state: QuantizerState = {
    ...begun,
    tensors: { ...begun.tensors, ...(await outerStart(resolved, sample, 'tensors' in spec, signal)) },
  };
  if (!hasCodes(resolved)) return state;
  const slices = await slicesOf(backend, resolved, state, sample);
  for (const [slice, rows] of slices.entries()) {
    let left = rows;
    for (let level = 0; level < resolved.depth; level++) {
      if (signal?.aborted === true) throw new DdclError('aborted', 'The start of the codes was aborted by its signal.');
      const place = { slice, level };
      if (level === 0 || !resolved.sharedDepth) {
        const name = tensorName(resolved.kind === 'simvq' ? 'frame' : 'codes', place);
        const codes = await atPlace(
          place,
          resolved,
          startCodes(backend, resolved, left, {
            start,
            iterations,
            random: random.fork(name),
            signal,
          }),
        );
        state = withCodes(resolved, state, place, codes);
      }
      const found = await leftOver(backend, resolved, state, place, left);
      if (level === 0 || !resolved.sharedDepth) state = withMass(state, tensorName('mass', place), found.mass);
      left = { ...left, rows: found.rows };
    }
  }
  return state;
}

async function startCodes(
  backend: Backend,
  { codes: count, codeDimension: c, kind }: ResolvedSpec,
  sample: Sample,
  {
    start,
    iterations,
    random,
    signal,
  }: Pick<InitializeOptions, 'start'> & {
    iterations: number;
    random: Random;
    signal: AbortSignalLike | undefined;
  },
): Promise<Float32Array> {
  const rows = kind === 'cosine' ? unitRows(sample.rows, c) : sample.rows;
  if (start === 'k-means') {
    const source = rowSource(rows, c, sample.weights);
    const { model } = await kMeans(backend, source, {
      count,
      iterations,
      seed: random.integer(2 ** 31),
      signal,
    });
    return Float32Array.from(model.prototypes);
  }
  const mean = new Float64Array(c);
  const total = sample.weights.reduce((sum, weight) => sum + weight, 0);
  rows.forEach((value, index) => (mean[index % c]! += (sample.weights[Math.floor(index / c)]! * value) / total));
  const drawn = startOf({ count, dimension: c, sample: Float64Array.from(rows), mean, random, start: start! });
  return Float32Array.from(drawn);
}

function withCodes(
  { kind, codeDimension: c }: ResolvedSpec,
  state: QuantizerState,
  place: Place,
  codes: Float32Array,
): QuantizerState {
  if (kind !== 'simvq') {
    // Means of directions are shorter than 1.
    const own = kind === 'cosine' ? unitRows(codes, c) : codes;
    const moved = { ...state.tensors, [tensorName('codes', place)]: own };
    // The averages are where the codes are now.
    const rest = tensorName('rest', place);
    if (rest in moved) moved[rest] = new Float32Array(own.length);
    return { ...state, tensors: moved };
  }
  // The frame is what stays, so it starts at the centroids, and the matrix as the identity.
  const identity = Float32Array.from({ length: c * c }, (_, index) => (index % (c + 1) === 0 ? 1 : 0));
  const own = { [tensorName('frame', place)]: codes, [tensorName('matrix', place)]: identity };
  return { ...state, tensors: { ...state.tensors, ...own } };
}

const withMass = (state: QuantizerState, name: string, mass: Float32Array): QuantizerState => ({
  ...state,
  tensors: { ...state.tensors, [name]: mass },
});
