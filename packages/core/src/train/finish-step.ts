import type { Updated } from '../optimise/optimizer.ts';
import { detach, scalar } from '../program/ops/create.ts';
import { add, div, equal, less, maximum, minimum, mul, select, sqrt, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { sum } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import type { StepScalars } from './controls.ts';
import type { Definition } from './definition.ts';
import type { Replaced } from './options.ts';
import { massOwners, pack } from './terms.ts';
import { trackedReports, trackedScalars } from './track-temperature.ts';

/** Tensors that go from step to step. */
export interface Held {
  readonly trained: readonly Tensor[];
  /** For each trained parameter its optimiser's state. */
  readonly slots: readonly (readonly Tensor[])[];
  readonly statistics: readonly Tensor[];
  /** Number of the first step whose loss or gradient was not finite, or {@link noFailedStep}. */
  readonly flag: Tensor;
}

/** Sums over the batches of a step. */
export interface StepSums {
  /** Of the loss's scalars, `loss` first. */
  readonly names: readonly string[];
  /** Their values; none without reports. */
  readonly values: readonly Tensor[];
  /** What sums are divided by; left out where they are means of one batch already. */
  readonly weight: Tensor | undefined;
  readonly gradients: readonly Tensor[];
  /** Of the parameters of {@link massOwners}. */
  readonly masses: readonly Tensor[];
  /** Rows of trained parameters that go elsewhere, by name. */
  readonly replaced: Readonly<Record<string, Replaced>>;
  /** After the batches. */
  readonly statistics: readonly Tensor[];
}

/** Above the number of any step, and exact in float32. */
export const noFailedStep: number = 2 ** 30;

/** Squares and weights above it count as not finite. Where the loss or the gradient is NaN or infinite the comparison is false. */
const largestSquare = { float32: 3e38, float64: 1e300 } as const;

/** A step without weight has sums of zeros, which this leaves zeros. */
const smallestWeight = 1e-20;

/** What a step reports, in order. */
export function reportNames({ tracking, groups }: Definition, names: readonly string[]): string[] {
  const tracked = tracking === undefined ? [] : [...trackedReports, ...(groups.length > 1 ? ['epsilon'] : [])];
  return [...names, 'gradientNorm', ...tracked, 'failedStep'];
}

const squares = (x: Tensor): Tensor => sum(mul(x, x));
const total = (values: readonly Tensor[]): Tensor => values.reduce((all, value) => add(all, value));

/**
 * From sums to the next parameters and states, all of which stay as they were where a loss or gradient is not finite, and after such a step: the
 * flag is sticky. Gives the next state and the reports as one vector.
 */
export function finishStep(
  definition: Definition,
  scalars: StepScalars,
  sums: StepSums,
  held: Held,
): { next: Held; reports: Tensor } {
  const { dtype, trained, groups, clipNorm, tracking } = definition;
  const { weight } = sums;
  const share = weight === undefined ? undefined : div(1, maximum(weight, smallestWeight));
  const perWeight = (value: Tensor): Tensor => (share === undefined ? value : mul(value, share));
  const means = sums.values.map((value, index) => (sums.names[index] === 'weight' ? value : perWeight(value)));
  const gradients = sums.gradients.map(perWeight);

  const norm = total(gradients.map(squares));
  // Without reports there may be a closed-form gradient and no loss at all; a loss that is not finite has no finite gradient but by overflow.
  const [loss] = means;
  // A weight of infinity would make zeros of all that is divided by it; it is no square, whose range ends at 1e19.
  const looked = [loss === undefined ? undefined : mul(loss, loss), weight].filter((value) => value !== undefined);
  const isFinite = less(total([norm, ...looked]), largestSquare[dtype]);
  const flag = minimum(held.flag, select(isFinite, noFailedStep, scalars.step));
  const isFine = equal(flag, noFailedStep);
  const keepUnless = (moved: Tensor, before: Tensor): Tensor => select(isFine, moved, before);

  let clipped = gradients;
  if (clipNorm !== undefined) {
    const limit = clipNorm ** 2;
    const factor = select(less(limit, norm), div(clipNorm, sqrt(maximum(norm, limit))), 1);
    clipped = gradients.map((gradient) => mul(gradient, factor));
  }
  const owners = massOwners(definition);
  const masses = sums.masses.map(perWeight);
  const updated = trained.map(({ name, group, decays }, index) => {
    const moved = groups[group]!.optimizer.update(held.trained[index]!, clipped[index]!, held.slots[index]!, {
      learningRate: scalars.rates[group]!,
      step: scalars.step,
      weightDecay: decays && groups[group]!.weightDecay !== 0 ? scalars.decays[group]! : scalar(norm, 0),
      ...(groups[group]!.optimizer.needsMass === true && {
        mass: masses[owners.findIndex((owner) => owner.name === name)]!,
      }),
    });
    return sums.replaced[name] === undefined ? moved : withReplaced(moved, sums.replaced[name]);
  });
  const next: Held = {
    trained: updated.map(({ parameter }, index) => keepUnless(parameter, held.trained[index]!)),
    slots: updated.map(({ state }, index) => state.map((slot, at) => keepUnless(slot, held.slots[index]![at]!))),
    statistics: sums.statistics.map((value, index) => keepUnless(value, held.statistics[index]!)),
    flag,
  };
  const tracked =
    tracking === undefined
      ? []
      : [
          ...trackedScalars(tracking, sums.statistics, scalars.share),
          ...(groups.length > 1 ? [epsilonOf(definition, held.trained, next.trained)] : []),
        ];
  return { next, reports: pack([...means, sqrt(norm), ...tracked, flag]) };
}

/** A step's result with other rows, at which the optimiser's state is zero. */
function withReplaced({ parameter, state }: Updated, { rows, values }: Replaced): Updated {
  const perRow = (x: Tensor): Tensor => reshape(rows, [rows.shape[0]!, ...x.shape.slice(1).map(() => 1)]);
  return {
    parameter: select(perRow(parameter), detach(values), parameter),
    state: state.map((slot) => select(perRow(slot), 0, slot)),
  };
}

/**
 * How far the fastest group moved beside the prototypes, each relative to its own length: the epsilon of docs/math.md section 4 as it
 * is, not as the rates say.
 */
function epsilonOf(
  { trained, groups, tracking }: Definition,
  before: readonly Tensor[],
  after: readonly Tensor[],
): Tensor {
  const movement = (indices: readonly number[]): Tensor => {
    const moved = total(indices.map((index) => squares(sub(after[index]!, before[index]!))));
    return sqrt(div(moved, maximum(total(indices.map((index) => squares(before[index]!))), 1e-30)));
  };
  const indices = trained.map((_, index) => index);
  const isPrototypes = (index: number): boolean => trained[index]!.name === tracking!.prototypes;
  const others = groups
    .map((_, group) => indices.filter((index) => trained[index]!.group === group && !isPrototypes(index)))
    .filter((members) => members.length > 0)
    .map(movement);
  return div(
    others.reduce((most, each) => maximum(most, each)),
    maximum(movement(indices.filter(isPrototypes)), 1e-30),
  );
}
