import { DdclError, isDdclError, type Random } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { createReservoir, type TokenSource } from '@ddcl/core/fit';
import { scaledWeights } from '../apply/latents.ts';
import { appliedBlocks, rowSource } from '../apply/row-pass.ts';
import { appliedSlices, assignLevel } from '../part/assign.ts';
import { sliceCount, tensorName, tokensPerVector, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerState } from '../state/state.ts';

/** Vectors in memory. */
export interface Sample {
  /** Row-major. */
  readonly rows: Float32Array;
  readonly weights: Float32Array;
  readonly count: number;
}

/** A uniform sample of at most `size` vectors of positive weight. */
export async function sampleOf(source: TokenSource, size: number, random: Random): Promise<Sample> {
  const reservoir = createReservoir(size, source.dimension, random);
  let first = 0;
  for await (const { data, rows, weights } of source.blocks('stored')) {
    const bad = data.findIndex(
      (value, index) =>
        !Number.isFinite(Math.fround(value)) && (weights?.[Math.floor(index / source.dimension)] ?? 1) > 0,
    );
    if (bad >= 0) {
      throw new DdclError(
        'data',
        `Latents must be finite numbers of float32, but component ${bad % source.dimension} of vector ${first + Math.floor(bad / source.dimension)} is ${data[bad]}.`,
      );
    }
    reservoir.add(data, weights);
    first += rows;
  }
  const { rows, weights, count } = reservoir.sample();
  if (count === 0) throw new DdclError('data', 'There is no vector of positive weight to start codes from. Give some.');
  return { rows: Float32Array.from(rows), weights: scaledWeights(weights), count };
}

/** The sample as each slice sees it. */
export async function slicesOf(
  backend: Backend,
  spec: ResolvedSpec,
  state: QuantizerState,
  sample: Sample,
): Promise<Sample[]> {
  const { codeDimension: c } = spec;
  const per = tokensPerVector(spec);
  const made = Array.from({ length: sliceCount(spec) }, () => new Float32Array(sample.count * per * c));
  const source = rowSource(sample.rows, spec.dimension, sample.weights);
  for await (const { first, perToken } of appliedBlocks(backend, spec, state, source, (z, a, tensors) => ({
    perToken: appliedSlices(spec, tensors, z, a),
  }))) {
    perToken.forEach((values, slice) => made[slice]!.set(values, first * per * c));
  }
  const weights = Float32Array.from(
    { length: sample.count * per },
    (_, index) => sample.weights[Math.floor(index / per)]!,
  );
  return made.map((rows) => ({ rows, weights, count: sample.count * per }));
}

/** What a level leaves of a slice's tokens, and the share of weight of each code. */
export async function leftOver(
  backend: Backend,
  spec: ResolvedSpec,
  state: QuantizerState,
  place: Place,
  sample: Sample,
): Promise<{ readonly rows: Float32Array; readonly mass: Float32Array }> {
  const { codeDimension: c, codes } = spec;
  const alone: ResolvedSpec = { ...spec, dimension: c, heads: 1, depth: 1, norm: 'none', projected: false };
  const at = { slice: 0, level: 0 };
  const book = spec.sharedDepth ? { ...place, level: 0 } : place;
  const own = ['codes', 'frame', 'matrix'].flatMap((what) => {
    const found = state.tensors[tensorName(what, book)];
    return found === undefined ? [] : [[tensorName(what, at), found] as const];
  });
  if (spec.kind === 'ddcl') own.push([tensorName('temperature', at), Float32Array.of(1)]);
  const rows = new Float32Array(sample.rows.length);
  const mass = new Float64Array(codes);
  const lone = { spec: state.spec, tensors: Object.fromEntries(own) };
  const source = rowSource(sample.rows, c, sample.weights);
  for await (const { first, perToken, weights } of appliedBlocks(backend, alone, lone, source, (z, _a, tensors) => {
    const { indices, values } = assignLevel(alone, tensors, z, at);
    return { perToken: [indices, values] };
  })) {
    const [indices, values] = perToken as [ArrayLike<number>, ArrayLike<number>];
    for (let index = 0; index < values.length; index++)
      rows[first * c + index] = sample.rows[first * c + index]! - values[index]!;
    for (let row = 0; row < indices.length; row++) mass[indices[row]!]! += weights[row]!;
  }
  const total = mass.reduce((sum, each) => sum + each, 0);
  return { rows, mass: Float32Array.from(mass, (each) => each / total) };
}

/** What core's fits and k-means say, which know tokens and prototypes, of vectors and codes. */
export const ofCodes = (text: string): string =>
  text
    .replaceAll(/\b([Tt])oken/g, (_, first) => (first === 'T' ? 'Vector' : 'vector'))
    .replaceAll(/\b([Pp])rototype/g, (_, first) => (first === 'P' ? 'Code' : 'code'));

/** What is wrong with the vectors of one codebook, told of the level and head that it is for. */
export async function atPlace<T>({ slice, level }: Place, spec: ResolvedSpec, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isDdclError(error, 'data')) throw error;
    const [levels, heads] = [spec.depth > 1, sliceCount(spec) > 1];
    const where = `${levels ? ` of residual level ${level + 1}` : ''}${heads ? ` of head ${slice + 1}` : ''}`;
    const remedy =
      level > 0 ? ` Its vectors are what the levels before leave: a depth of ${level} or fewer codes fit.` : '';
    const text = `The codebook${where} cannot be made: ${ofCodes(error.message)}${remedy}`;
    throw new DdclError('data', text, { cause: error });
  }
}
