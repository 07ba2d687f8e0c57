import { DdclError } from '@ddcl/core';
import { abortableEigenpairs, createMomentAccumulator, type AbortSignalLike } from '@ddcl/core/fit';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { hasCodes } from '../state/codebooks.ts';
import { outerNames } from '../state/outer-tensors.ts';
import type { Sample } from './sample.ts';

/** Width above which no covariance is kept: learned projections then stay as they were drawn. */
const widest = 2048;

/**
 * Norm and projections from vectors: mean and total variance per component, and the principal components of the vectors, so that a narrow codebook
 * begins with what tells them apart. Kinds that round components get them at equal deviations.
 *
 * @param keep leave the projections as they are, as after a warm-up
 * @throws DdclError `argument` for principal components of wider vectors
 */
export async function outerStart(
  spec: ResolvedSpec,
  { rows, weights }: Sample,
  keep: boolean,
  signal: AbortSignalLike | undefined,
): Promise<Record<string, Float32Array>> {
  const { dimension, norm } = spec;
  const projects = spec.projected && !keep && dimension <= widest;
  if (spec.projection === 'principal' && dimension > widest) {
    throw new DdclError(
      'argument',
      `Principal components are taken of vectors of at most ${widest} components, but these have ${dimension}. Leave the projection out.`,
    );
  }
  if (norm === 'none' && !projects) return {};
  const moments = createMomentAccumulator(dimension, { maxCovarianceDimension: projects ? widest : 0 });
  moments.addRows(rows, weights);
  const { mean, covariance, trace } = moments.result();
  const variance = trace / dimension;
  const normed = norm === 'scale';
  return {
    ...(normed && {
      [outerNames.normMean]: Float32Array.from(mean),
      [outerNames.normVariance]: Float32Array.of(variance),
    }),
    ...(projects &&
      (await principal(spec, covariance!, normed ? new Float64Array(dimension) : mean, normed ? variance : 1, signal))),
  };
}

/** @param variance what the norm divides the covariance by */
async function principal(
  spec: ResolvedSpec,
  covariance: Float64Array,
  mean: Float64Array,
  variance: number,
  signal: AbortSignalLike | undefined,
): Promise<Record<string, Float32Array>> {
  const { dimension, heads, codeDimension } = spec;
  const width = heads * codeDimension;
  const count = Math.min(width, dimension);
  const { values, vectors } = await abortableEigenpairs(covariance, dimension, { count, signal });
  const [into, back] = [new Float32Array(dimension * width), new Float32Array(width * dimension)];
  const bias = new Float32Array(width);
  for (let axis = 0; axis < count; axis++) {
    const deviation = Math.sqrt(Math.max(values[axis]!, 0) / variance);
    const unit = hasCodes(spec) || !(deviation > 0) ? 1 : deviation;
    // Dealt out one by one, so that every head gets large components and small ones.
    const column = (axis % heads) * codeDimension + Math.floor(axis / heads);
    for (let component = 0; component < dimension; component++) {
      const value = vectors[axis * dimension + component]!;
      into[component * width + column] = value / unit;
      back[column * dimension + component] = value * unit;
      bias[column]! -= (mean[component]! * value) / unit;
    }
  }
  return {
    [outerNames.inWeight]: into,
    [outerNames.inBias]: bias,
    [outerNames.outWeight]: back,
    [outerNames.outBias]: Float32Array.from(mean),
  };
}
