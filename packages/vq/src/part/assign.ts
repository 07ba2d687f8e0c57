import {
  add,
  concat,
  f32,
  forward,
  l2Normalize,
  loss,
  maximum,
  reshape,
  sub,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import { scaleNorm } from '../composite/scale-norm.ts';
import { quantizeLevels } from '../quantizers/fsq.ts';
import { quantizeSigns } from '../quantizers/lfq.ts';
import { centreOf, codeVectors, nearestCode, nearestCodes } from '../quantizers/nearest-code.ts';
import { bookOf, books, places, tensorName, tokensPerVector, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { codebookOf, hasCodes } from '../state/codebooks.ts';
import { outerNames, outerTensors } from '../state/outer-tensors.ts';
import type { QuantizerState } from '../state/state.ts';
import { projectIn, projectOut } from './projection.ts';
import { cutSlices, joinIndices, joinSlices, sliceColumn } from './slices.ts';

/** What applying a quantizer takes beside latents: name, type and numbers, in the order of the program's parameters. */
export interface AppliedTensor {
  readonly name: string;
  readonly type: TensorType & { readonly shape: readonly number[] };
  readonly data: Float32Array;
}

/** Codebooks as they are applied, norm and projections, and temperatures. */
export function appliedTensors(spec: ResolvedSpec, state: QuantizerState): AppliedTensor[] {
  const made = (name: string, shape: readonly number[], data: Float32Array): AppliedTensor => ({
    name,
    type: f32(...shape) as AppliedTensor['type'],
    data,
  });
  return [
    ...outerTensors(spec).map(({ name, shape }) => made(name, shape, state.tensors[name]!)),
    ...(hasCodes(spec)
      ? books(spec).map((book) =>
          made(tensorName('codes', book), [spec.codes, spec.codeDimension], codebookOf(spec, state, book)),
        )
      : []),
    ...(spec.kind === 'ddcl'
      ? places(spec).map((place) => {
          const name = tensorName('temperature', place);
          return made(name, [], state.tensors[name]!);
        })
      : []),
  ];
}

type Tensors = Readonly<Record<string, Tensor>>;

/** Latents as the codebooks see them, one slice each; norms and projections are those of the state. */
export function appliedSlices(spec: ResolvedSpec, tensors: Tensors, z: Tensor, weights: Tensor): Tensor[] {
  const column = reshape(weights, [weights.shape[0]!, 1]);
  const running = { mean: tensors[outerNames.normMean]!, variance: tensors[outerNames.normVariance]! };
  const normed = spec.norm === 'none' ? z : scaleNorm(z, column, running, undefined).z;
  return cutSlices(spec, projectIn(spec, tensors, normed));
}

/** Number and vector of the code of each row. */
export function assignLevel(
  spec: ResolvedSpec,
  tensors: Tensors,
  z: Tensor,
  place: Place,
): { readonly indices: Tensor; readonly values: Tensor } {
  if (spec.kind === 'fsq') return quantizeLevels({ z, spec, level: place.level });
  if (spec.kind === 'lfq') return quantizeSigns({ z, level: place.level });
  const codes = tensors[tensorName('codes', bookOf(spec, place))]!;
  const indices = nearestCode(spec.kind === 'cosine' ? l2Normalize(z) : z, codes);
  return { indices, values: codeVectors(codes, indices) };
}

/** What a quantizer makes of latents [n, m]. */
export interface Assigned {
  /** int32 [n, H D]. */
  readonly indices: Tensor;
  /** Vectors of the codes, [n, m]. */
  readonly hard: Tensor;
}

export function assignCodes(spec: ResolvedSpec, tensors: Tensors, z: Tensor, weights: Tensor): Assigned {
  const n = z.shape[0]!;
  const slices = appliedSlices(spec, tensors, z, weights).map((slice, number) => {
    let [left, hard]: [Tensor, Tensor | undefined] = [slice, undefined];
    const indices: Tensor[] = [];
    for (let level = 0; level < spec.depth; level++) {
      const found = assignLevel(spec, tensors, left, { slice: number, level });
      indices.push(found.indices);
      hard = hard === undefined ? found.values : add(hard, found.values);
      left = sub(left, found.values);
    }
    return { indices, hard: hard! };
  });
  const indices = joinIndices(
    spec,
    slices.map((each) => each.indices),
    n,
  );
  const hard = joinSlices(
    spec,
    slices.map((each) => each.hard),
    n,
  );
  return { indices, hard: projectOut(spec, tensors, hard) };
}

/** The `k` nearest codes of each head at the first level: indices and squared distances, [n, H, k]. */
export function assignTop(spec: ResolvedSpec, tensors: Tensors, z: Tensor, weights: Tensor, k: number): Tensor[] {
  const n = Number(z.shape[0]);
  const found = appliedSlices(spec, tensors, z, weights).map((slice, number) => {
    const codes = tensors[tensorName('codes', { slice: number, level: 0 })]!;
    return nearestCodes(spec.kind === 'cosine' ? l2Normalize(slice) : slice, codes, k);
  });
  return (['indices', 'distances'] as const).map((what) => {
    const own = found.map((each) => reshape(each[what], [n, spec.sharedHeads ? spec.heads * k : k]));
    return reshape(concat(own, 1), [n, spec.heads, k]);
  });
}

/** What `ddcl` tells beside codes: the soft output [n, m], and for each place L_q, L_OLS and V summed with weights. */
export function assignSoft(
  spec: ResolvedSpec,
  tensors: Tensors,
  z: Tensor,
  weights: Tensor,
): { readonly soft: Tensor; readonly sums: readonly Tensor[] } {
  const n = Number(z.shape[0]);
  const column = reshape(sliceColumn(spec, reshape(weights, [n, 1])), [n * tokensPerVector(spec)]);
  const sums: Tensor[] = [];
  const soft = appliedSlices(spec, tensors, z, weights).map((slice, number) => {
    let [left, output]: [Tensor, Tensor | undefined] = [slice, undefined];
    for (let level = 0; level < spec.depth; level++) {
      const place = { slice: number, level };
      const codes = tensors[tensorName('codes', bookOf(spec, place))]!;
      const centre = centreOf(codes);
      const temperature = maximum(tensors[tensorName('temperature', place)]!, 1e-12);
      const operands = { tokens: sub(left, centre), prototypes: sub(codes, centre), temperature };
      const mixed = add(forward(operands), centre);
      output = output === undefined ? mixed : add(output, mixed);
      const { lq, lols, v } = loss({ ...operands, weights: column });
      sums.push(lq, lols, v);
      if (level + 1 < spec.depth) left = sub(left, assignLevel(spec, tensors, left, place).values);
    }
    return output!;
  });
  return { soft: projectOut(spec, tensors, joinSlices(spec, soft, n)), sums };
}
