import type { Backend } from '@ddcl/core/backend';
import { createMomentAccumulator } from '@ddcl/core/fit';
import { requireBackend } from '../checks/require.ts';
import { assignCodes, assignSoft } from '../part/assign.ts';
import { createCodeCounter, type CodeUse } from '../report/code-use.ts';
import { codesPerVector, places } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { outerNames } from '../state/outer-tensors.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { decode } from './decode.ts';
import { latentRows, toLayout, type LatentRows, type Latents } from './latents.ts';
import { appliedBlocks, rowSource } from './row-pass.ts';

/** What a quantizer did with latents, per unit of their weight. */
export interface CodeReport extends CodeUse {
  /** Mean squared distance to the vectors of the codes, in the outputs' units. */
  readonly quantization: number;
  /** The same after one, two, ... residual levels. */
  readonly levelErrors: readonly number[];
  /** Total variance of the latents, in the same units. */
  readonly variance: number;
  /** Of `ddcl`. */
  readonly soft?: SoftReport;
}

/** What `ddcl` tells of its soft assignment, summed over heads and levels; L_q = L_OLS + V (docs/math.md section 2). */
export interface SoftReport {
  readonly lq: number;
  readonly lols: number;
  readonly v: number;
  /** T of each head and level. */
  readonly temperatures: readonly number[];
  /** T / T_c of each, as last tracked. */
  readonly shares: readonly number[];
  /** Mean squared distance between soft and hard outputs. */
  readonly gap: number;
}

export interface QuantizedLatents {
  /** For each vector, for each head, its levels. 0 for vectors of weight 0. */
  readonly indices: Int32Array;
  /** Sizes of the latents without the channels, then heads x depth. */
  readonly indexShape: readonly number[];
  /** Vectors of the codes in the layout of the latents; exactly what `decode` gives. Zeros for vectors of weight 0. */
  readonly hard: Float32Array;
  /** Mixtures of `ddcl`, in the same layout. */
  readonly soft?: Float32Array;
  readonly report: CodeReport;
}

/**
 * The codes of latents. Never changes the state.
 *
 * @throws DdclError `shape` or `data` for latents, weights or a state that do not fit; whatever the backend throws
 */
export async function quantize(backend: Backend, state: QuantizerState, latents: Latents): Promise<QuantizedLatents> {
  requireBackend(backend);
  const spec = requireState(state);
  const made = latentRows(latents, spec.dimension);
  const { rows, weights, count } = made;
  const perVector = codesPerVector(spec);
  const indices = new Int32Array(count * perVector);
  const isSoft = spec.kind === 'ddcl';
  const soft = new Float32Array(isSoft ? rows.length : 0);
  const sums = new Float64Array(3);
  const blocks = appliedBlocks(backend, spec, state, rowSource(rows, spec.dimension, weights), (z, a, tensors) => {
    const { indices: codes } = assignCodes(spec, tensors, z, a);
    if (!isSoft) return { perToken: [codes] };
    const own = assignSoft(spec, tensors, z, a);
    return { perToken: [codes, own.soft], sums: own.sums };
  });
  for await (const block of blocks) {
    indices.set(block.perToken[0]!, block.first * perVector);
    if (!isSoft) continue;
    soft.set(block.perToken[1]!, block.first * spec.dimension);
    block.sums.forEach((sum, index) => (sums[index % 3]! += sum[0]!));
  }
  for (let vector = 0; vector < count; vector++) {
    if (weights[vector]! > 0) continue;
    indices.fill(0, vector * perVector, (vector + 1) * perVector);
    if (isSoft) soft.fill(0, vector * spec.dimension, (vector + 1) * spec.dimension);
  }
  const hard = decode(state, indices, { weights });
  const report = reportOf(spec, state, made, indices, hard);
  return {
    indices,
    indexShape: [...made.places, perVector],
    hard: toLayout(hard, made),
    ...(isSoft && { soft: toLayout(soft, made) }),
    report: isSoft ? { ...report, soft: softReport(spec, state, sums, made, hard, soft) } : report,
  };
}

/** Latents in the units of the outputs. */
function normed({ norm, dimension }: ResolvedSpec, { tensors }: QuantizerState, rows: Float32Array): Float32Array {
  if (norm === 'none') return rows;
  const mean = tensors[outerNames.normMean]!;
  const deviation = Math.sqrt(Math.max(tensors[outerNames.normVariance]![0]!, 1e-8));
  return rows.map((value, index) => (value - mean[index % dimension]!) / deviation);
}

function reportOf(
  spec: ResolvedSpec,
  state: QuantizerState,
  { rows, weights }: LatentRows,
  indices: Int32Array,
  hard: Float32Array,
): CodeReport {
  const counter = createCodeCounter(spec);
  counter.add(indices, weights);
  const { dimension, depth } = spec;
  const latents = normed(spec, state, rows);
  const quantization = meanDistance(latents, hard, weights, dimension);
  const levelErrors = Array.from({ length: depth }, (_, level) =>
    level + 1 === depth
      ? quantization
      : meanDistance(latents, decode(state, indices, { weights, levels: level + 1 }), weights, dimension),
  );
  return { ...counter.report(), quantization, levelErrors, variance: totalVariance(latents, weights, dimension) };
}

/** Weighted mean squared distance of rows. */
function meanDistance(a: Float32Array, b: Float32Array, weights: Float32Array, dimension: number): number {
  let [error, total] = [0, 0];
  for (let vector = 0; vector < weights.length; vector++) {
    const weight = weights[vector]!;
    if (!(weight > 0)) continue;
    total += weight;
    let squares = 0;
    for (let at = vector * dimension; at < (vector + 1) * dimension; at++) squares += (a[at]! - b[at]!) ** 2;
    error += weight * squares;
  }
  return total > 0 ? error / total : 0;
}

function totalVariance(rows: Float32Array, weights: Float32Array, dimension: number): number {
  if (!weights.some((weight) => weight > 0)) return 0;
  const moments = createMomentAccumulator(dimension, { maxCovarianceDimension: 0 });
  moments.addRows(rows, weights);
  return moments.result().trace;
}

function softReport(
  spec: ResolvedSpec,
  state: QuantizerState,
  sums: Float64Array,
  { weights }: LatentRows,
  hard: Float32Array,
  soft: Float32Array,
): SoftReport {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const per = (value: number): number => (total > 0 ? value / total : 0);
  const [temperatures, shares] = [temperaturesOf(spec, state), sharesOf(spec, state)];
  const [lq, lols, v] = Array.from(sums, per) as [number, number, number];
  return { lq, lols, v, temperatures, shares, gap: meanDistance(soft, hard, weights, spec.dimension) };
}

/** T of each slice and level of a `ddcl` state, in the units of its codes squared; 0 before any batch was seen. */
export function temperaturesOf(spec: ResolvedSpec, { tensors }: QuantizerState): number[] {
  return places(spec).map(({ slice, level }) => tensors[`temperature.${slice}.${level}`]![0]!);
}

/** T / T_c of each; 0 before any batch was seen. */
export function sharesOf(spec: ResolvedSpec, state: QuantizerState): number[] {
  const temperatures = temperaturesOf(spec, state);
  return places(spec).map(({ slice, level }, index) => {
    const [sum, weight] = state.tensors[`averages.${slice}.${level}`]!;
    return sum! > 0 ? (temperatures[index]! * weight!) / (4 * sum!) : 0;
  });
}
