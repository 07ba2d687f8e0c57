import {
  add,
  concat,
  detach,
  div,
  l2Normalize,
  less,
  loss,
  matmul,
  maximum,
  mul,
  reshape,
  scalar,
  select,
  segmentSum,
  segmentSums,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import {
  normalizedResiduals,
  occupancies,
  pooledOutputs,
  residuals,
  summaries,
  type ReadoutSums,
} from '@ddcl/core/fit';
import type { FittedLevel } from '../level/fitted-level.ts';
import { leastLogarithm } from '../level/assigner.ts';
import { residualFloor } from '../pass-up/group-sums.ts';
import type { ResolvedLevel, ResolvedPass } from '../spec/resolve.ts';

/** What the loss reads by name: prototypes in their frames, and the fixed numbers of each level. */
export type Named = Readonly<Record<string, Tensor>>;

const leastAssignment = Math.exp(leastLogarithm);
/** A projected vector shorter than this is divided by it. */
const floor = 1e-12;

/**
 * `sum_l beta_l L_q^(l)`, each L_q a mean over the level's items in their own units.
 *
 * @param parameters `prototypes.l` in the frame, `offset.l` [width], and `mean.l`, `axes.l` of projections
 * @param batch `tokens` [n, m]; `weights.l` [rows of l]; `ids.l` int32
 * @param through whether L_q of a level reaches the prototypes below it
 */
export function jointLoss(
  resolved: readonly ResolvedLevel[],
  levels: readonly FittedLevel[],
  rows: readonly number[],
  through: boolean,
  parameters: Named,
  batch: Named,
): Tensor {
  let rowsBelow = batch['tokens']!;
  let total: Tensor | undefined;
  for (const [index, level] of resolved.entries()) {
    const { scale, temperature: own, totalVariance } = levels[index]!.model;
    const tokens = div(sub(rowsBelow, parameters[`offset.${index}`]!), scale);
    const prototypes = parameters[`prototypes.${index}`]!;
    const weights = batch[`weights.${index}`]!;
    const temperature = scalar(tokens, own / scale ** 2);
    const operands = { tokens, weights, prototypes, temperature };
    const part = mul(div(loss(operands).lq, sum(weights)), level.weight * scale ** 2);
    total = total === undefined ? part : add(total, part);
    if (level.up === undefined) break;
    const above = rows[index + 1]!;
    const ids = batch[`ids.${index}`]!;
    const weight = reshape(segmentSum(weights, ids, { segments: above }), [above, 1]);
    const sums = { weight, ...segmentSums({ ...operands, ids }, above) };
    const spread = Math.sqrt(totalVariance) / scale;
    const passed = passUp(level.up, sums, prototypes, { scale, spread, offset: parameters[`offset.${index}`]! });
    const finished = finish(level.up, reshape(passed, [above, level.up.numbers]), parameters, index);
    rowsBelow = through ? finished : detach(finished);
  }
  return total!;
}

function passUp(
  { what, normalize }: ResolvedPass,
  sums: ReadoutSums,
  prototypes: Tensor,
  { scale, spread, offset }: { readonly scale: number; readonly spread: number; readonly offset: Tensor },
): Tensor {
  switch (what) {
    case 'residuals': {
      const [groups, count, width] = sums.sums!.shape as [number, number, number];
      const each = reshape(
        normalize ? normalizedResiduals(sums, prototypes, spread) : mul(residuals(sums, prototypes), scale),
        [groups, count * width],
      );
      if (count === 1) return each;
      const rest = sum(sums.sums!, [1]);
      if (!normalize) return concat([each, mul(rest, scale)], 1);
      const unit = div(1 / spread, maximum(sums.weight, floor));
      return l2Normalize(concat([each, l2Normalize(mul(rest, unit), 1, residualFloor)], 1), 1, floor);
    }
    case 'summaries':
      // The host takes assignments below this for none, and the mean of next to nothing would count like any other.
      return summaries({ ...sums, mass: select(less(sums.mass, leastAssignment), 0, sums.mass) }, { scale });
    case 'pooled':
      return pooledOutputs(sums, add(mul(prototypes, scale), offset));
    case 'occupancy':
      return occupancies(sums);
  }
}

function finish({ project, normalize }: ResolvedPass, passed: Tensor, parameters: Named, index: number): Tensor {
  const projected =
    project === undefined
      ? passed
      : matmul(sub(passed, parameters[`mean.${index}`]!), parameters[`axes.${index}`]!, { transposeB: true });
  return normalize ? l2Normalize(projected, 1, floor) : projected;
}
