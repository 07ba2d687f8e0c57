import { DdclError } from '../errors/ddcl-error.ts';
import { reshape, slice } from '../program/ops/layout.ts';
import type { Tensor } from '../program/trace.ts';
import type { Definition } from './definition.ts';
import type { Setting } from './options.ts';

/** Everything that changes from step to step, as scalars of one small tensor, so that no program is compiled twice. */
export interface StepScalars {
  /** The caller's, by name. */
  readonly own: Readonly<Record<string, Tensor>>;
  readonly rates: readonly Tensor[];
  readonly decays: readonly Tensor[];
  /** Number of the step, from 1. */
  readonly step: Tensor;
  /** T / T_c of the tracked temperature. */
  readonly share: Tensor;
}

/** How many numbers {@link stepNumbers} gives. */
export const controlCount = ({ controls, groups }: Definition): number => controls.length + 2 * groups.length + 2;

/**
 * The numbers of a step: the caller's controls, a rate and a decay for each group, the step's number, T / T_c.
 *
 * @throws DdclError `argument` for one that, rounded to the trainer's dtype, would ruin parameters in silence
 */
export function stepNumbers(
  definition: Definition,
  controls: Readonly<Record<string, number>>,
  step: number,
): number[] {
  const { dtype, groups, totalSteps, tracking } = definition;
  if (typeof controls !== 'object' || controls === null)
    throw new DdclError('argument', `Step ${step} takes its controls as an object, but got ${String(controls)}.`);
  const checked = (value: number, what: string, wanted: string, isRight: (rounded: number) => boolean): number => {
    const rounded = typeof value === 'number' ? (dtype === 'float32' ? Math.fround(value) : value) : NaN;
    if (Number.isFinite(rounded) && isRight(rounded)) return value;
    throw new DdclError(
      'argument',
      `Step ${step} needs ${what} as a finite number${wanted} in ${dtype}, but got ${String(value)}. Give another one, or mend the schedule that it comes from.`,
    );
  };
  const own = definition.controls.map((name) => checked(controls[name]!, `the control '${name}'`, '', () => true));
  const progress = totalSteps === undefined || totalSteps === 1 ? 1 : (step - 1) / (totalSteps - 1);
  const valueOf = (setting: Setting<string>): number =>
    typeof setting === 'function' ? setting(progress) : typeof setting === 'string' ? controls[setting]! : setting;
  const rateOf = (setting: Setting<string>, what: string, group: string): number => {
    const from = typeof setting === 'string' ? ` (the control '${setting}')` : '';
    return checked(valueOf(setting), `the ${what} of the group '${group}'${from}`, ' >= 0', (value) => value >= 0);
  };
  return [
    ...own,
    ...groups.flatMap(({ name, learningRate, weightDecay }) => [
      rateOf(learningRate, 'learningRate', name),
      rateOf(weightDecay, 'weightDecay', name),
    ]),
    step,
    tracking === undefined
      ? 0
      : checked(
          valueOf(tracking.share),
          `the ${tracking.isFixed ? 'temperature' : 'share'} of trackTemperature`,
          ' > 0',
          (value) => value > 0,
        ),
  ];
}

/** {@link stepNumbers} inside a program. */
export function stepScalars({ controls, groups }: Definition, numbers: Tensor): StepScalars {
  const at = (index: number): Tensor => reshape(slice(numbers, [index], [1]), []);
  const first = controls.length;
  const last = first + 2 * groups.length;
  return {
    own: Object.fromEntries(controls.map((name, index) => [name, at(index)])),
    rates: groups.map((_, index) => at(first + 2 * index)),
    decays: groups.map((_, index) => at(first + 2 * index + 1)),
    step: at(last),
    share: at(last + 1),
  };
}

/** The groups' rates among {@link stepNumbers}. */
export const ratesOf = ({ controls, groups }: Definition, numbers: readonly number[]): number[] =>
  groups.map((_, index) => numbers[controls.length + 2 * index]!);
