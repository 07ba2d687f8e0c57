import {
  add,
  cast,
  detach,
  div,
  less,
  maximum,
  mul,
  reshape,
  scalar,
  select,
  slice as sliceOf,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import type { Replaced } from '@ddcl/core/train';
import { scaleNorm } from '../composite/scale-norm.ts';
import type { Quantized, Quantizer, QuantizerControls } from '../quantizers/quantizer.ts';
import { quantizers } from '../quantizers/quantizers.ts';
import { bookOf, books, sliceCount, tensorName, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { addUse, nextBook, type BookUse } from './book-use.ts';
import { outerNames } from '../state/outer-tensors.ts';
import { projectIn, projectOut } from './projection.ts';
import { cutSlices, joinIndices, joinSlices, levelSlices, sliceColumn } from './slices.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** Share of a batch in the running statistics of the norm. */
const normMomentum = 0.02;

/** What a training program gives a quantizer; names have no prefix. */
export interface BuildOperands {
  /** Latents [n, m]. */
  readonly z: Tensor;
  /** Weights [n]. */
  readonly weights: Tensor;
  readonly tensors: Tensors;
  readonly inputs: Tensors;
  readonly controls: Tensors;
}

export interface Built {
  readonly output: Tensor;
  readonly hard: Tensor;
  readonly indices: Tensor;
  readonly loss: Tensor;
  readonly reports: Tensors;
  readonly next: Tensors;
  readonly replaced: Readonly<Record<string, Replaced>>;
}

/** Sums of one slice over its levels. */
interface SliceSums {
  readonly output: Tensor;
  readonly hard: Tensor;
  readonly indices: readonly Tensor[];
  readonly levels: readonly Quantized[];
}

/** A quantizer in training: norm, projection, slices, residual levels, and what its codebooks become. */
export function buildQuantizer(spec: ResolvedSpec, operands: BuildOperands): Built {
  const { tensors, inputs, controls } = operands;
  const quantizer = quantizers[spec.kind];
  const n = Number(operands.z.shape[0]);
  const weights = reshape(operands.weights, [n, 1]);
  const isToken = less(0, weights);
  const counted = (x: Tensor): Tensor => select(isToken, x, 0);
  const active = controls['active']!;
  const isActive = less(0, active);
  // A batch of padding alone leaves all running numbers as they are.
  const hasTokens = less(0, sum(weights));

  const normed = normalized(spec, tensors, counted(operands.z), weights);
  const projected = counted(projectIn(spec, tensors, counted(normed.z)));
  const column = sliceColumn(spec, weights);
  const uses = new Map<string, BookUse>();
  const slices = cutSlices(spec, projected).map((z, slice) =>
    quantizeSlice(
      quantizer,
      spec,
      { z, column, slice, inputs, controls: ownControls(controls, z), tensors },
      controls,
      uses,
    ),
  );

  const { next, replaced } = nextBooks(quantizer, spec, tensors, uses, inputs['rows']);
  slices.forEach(({ levels }, slice) =>
    levels.forEach((each, level) => {
      for (const [what, value] of Object.entries(each.next ?? {})) next[tensorName(what, { slice, level })] = value;
    }),
  );
  const moved = Object.fromEntries(
    Object.entries(next).map(([name, value]) => [name, select(mul(isActive, hasTokens), value, tensors[name]!)]),
  );
  const norm = Object.fromEntries(
    Object.entries(normed.next).map(([name, value]) => [name, select(hasTokens, value, tensors[name]!)]),
  );

  const join = (what: 'output' | 'hard'): Tensor =>
    joinSlices(
      spec,
      slices.map((each) => each[what]),
      n,
    );
  const output = select(isActive, join('output'), projected);
  return {
    output: counted(projectOut(spec, tensors, output)),
    hard: counted(projectOut(spec, tensors, join('hard'))),
    indices: mul(
      joinIndices(
        spec,
        slices.map((each) => each.indices),
        n,
      ),
      isToken,
    ),
    loss: mul(totalLoss(spec, slices, controls), active),
    reports: levelReports(spec, slices),
    next: { ...moved, ...norm },
    replaced: Object.fromEntries(
      Object.entries(replaced).map(([name, each]) => [name, { ...each, rows: mul(each.rows, isActive) }]),
    ),
  };
}

function normalized(spec: ResolvedSpec, tensors: Tensors, z: Tensor, column: Tensor): { z: Tensor; next: Tensors } {
  if (spec.norm === 'none') return { z, next: {} };
  const running = { mean: tensors[outerNames.normMean]!, variance: tensors[outerNames.normVariance]! };
  const { z: scaled, next } = scaleNorm(z, column, running, normMomentum);
  return { z: scaled, next: { [outerNames.normMean]: next.mean, [outerNames.normVariance]: next.variance } };
}

/** Controls that a kind does not have are numbers that mean nothing. */
function ownControls(controls: Tensors, like: Tensor): QuantizerControls {
  const unused = scalar(like, 1);
  return {
    share: controls['share'] ?? unused,
    noise: controls['noise'] ?? unused,
    tau: controls['tau'] ?? unused,
  };
}

/** 1 where a level counts in this step, else 0; the first always does. */
const isIncluded = (controls: Tensors, level: number, like: Tensor): Tensor | undefined =>
  level === 0 ? undefined : cast(less(level, controls['depth']!), like.dtype);

function quantizeSlice(
  quantizer: Quantizer,
  spec: ResolvedSpec,
  {
    z,
    column,
    slice,
    inputs,
    controls,
    tensors,
  }: {
    z: Tensor;
    column: Tensor;
    slice: number;
    inputs: Tensors;
    controls: QuantizerControls;
    tensors: Tensors;
  },
  all: Tensors,
  uses: Map<string, BookUse>,
): SliceSums {
  const levels: Quantized[] = [];
  const indices: Tensor[] = [];
  let [left, hard, soft]: [Tensor, Tensor | undefined, Tensor | undefined] = [z, undefined, undefined];
  const total = maximum(sum(column), 1e-20);
  for (let level = 0; level < spec.depth; level++) {
    const included = isIncluded(all, level, z);
    const only = (x: Tensor): Tensor => (included === undefined ? x : mul(x, included));
    const place = { slice, level };
    const made = quantizer.quantize({
      spec,
      level,
      z: left,
      column,
      total,
      own: tensorsOf(quantizer, spec, tensors, place),
      normals: inputs['normals'] && levelSlices(spec, inputs['normals'], level)[slice],
      gumbels: inputs['gumbels'] && levelSlices(spec, inputs['gumbels'], level)[slice],
      controls,
    });
    levels.push(made);
    indices.push(made.indices);
    const found = only(made.hard);
    hard = hard === undefined ? found : add(hard, found);
    if (made.soft !== undefined) soft = soft === undefined ? only(made.soft) : add(soft, only(made.soft));
    left = sub(left, detach(found));
    if (quantizer.average === undefined) continue;
    const name = tensorName('', bookOf(spec, place));
    const tokens = { indices: made.indices, tokens: made.base, codes: made.hard, column: only(column) };
    uses.set(name, addUse(uses.get(name), spec, tokens));
  }
  // One estimator for the sum of all levels: each of its own would multiply the gradient by their number.
  const output = soft ?? quantizer.estimate(detach(hard!), levels[0]!.base, spec);
  return { output, hard: detach(hard!), indices, levels };
}

/** The tensors of a place and of its codebook, by what they are. */
export function tensorsOf(quantizer: Quantizer, spec: ResolvedSpec, tensors: Tensors, place: Place): Tensors {
  return Object.fromEntries(
    quantizer
      .tensors(spec)
      .map(({ what, of }) => [what, tensors[tensorName(what, of === 'book' ? bookOf(spec, place) : place)]!]),
  );
}

function nextBooks(
  quantizer: Quantizer,
  spec: ResolvedSpec,
  tensors: Tensors,
  uses: ReadonlyMap<string, BookUse>,
  rows: Tensor | undefined,
): { next: Record<string, Tensor>; replaced: Record<string, Replaced> } {
  const next: Record<string, Tensor> = {};
  const replaced: Record<string, Replaced> = {};
  if (quantizer.average === undefined) return { next, replaced };
  books(spec).forEach((book, index) => {
    const own = tensorsOf(quantizer, spec, tensors, book);
    const ownRows = rows && reshape(sliceRow(rows, index), [spec.codes]);
    const moved = nextBook(quantizer, spec, own, uses.get(tensorName('', book))!, ownRows);
    for (const [what, value] of Object.entries(moved.next)) next[tensorName(what, book)] = value;
    if (moved.replaced !== undefined) replaced[tensorName('codes', book)] = moved.replaced;
  });
  return { next, replaced };
}

const sliceRow = (rows: Tensor, index: number): Tensor => sliceOf(rows, [index, 0], [1, Number(rows.shape[1])]);

/** Mean over slices, sum over levels. */
function totalLoss(spec: ResolvedSpec, slices: readonly SliceSums[], controls: Tensors): Tensor {
  const terms = slices.flatMap(({ levels }) =>
    levels.flatMap(({ loss }, level) => {
      if (loss === undefined) return [];
      const included = isIncluded(controls, level, loss);
      return [included === undefined ? loss : mul(loss, included)];
    }),
  );
  if (terms.length === 0) return scalar(slices[0]!.output, 0);
  return div(
    terms.reduce((all, each) => add(all, each)),
    sliceCount(spec),
  );
}

/** Means over slices, by name; of several levels each has its number at the end. */
function levelReports(spec: ResolvedSpec, slices: readonly SliceSums[]): Tensors {
  const reports: Record<string, Tensor> = {};
  for (let level = 0; level < spec.depth; level++) {
    for (const name of Object.keys(slices[0]!.levels[level]!.reports)) {
      const values = slices.map(({ levels }) => detach(levels[level]!.reports[name]!));
      const mean = div(
        values.reduce((all, each) => add(all, each)),
        values.length,
      );
      reports[spec.depth === 1 ? name : `${name}.${level}`] = mean;
    }
  }
  return reports;
}
