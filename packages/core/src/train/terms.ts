import { grad } from '../differentiate/vjp.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { cast, detach, scalar } from '../program/ops/create.ts';
import { concat, reshape } from '../program/ops/layout.ts';
import { equal, select } from '../program/ops/elementwise.ts';
import { formatType, type ConcreteType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import type { StepScalars } from './controls.ts';
import type { Definition } from './definition.ts';
import type { LossResult, Replaced } from './options.ts';
import { trackBatch, trackedCount, trackedReports, trackedTemperature } from './track-temperature.ts';

/** Names that the trainer gives to reports of its own. */
const ownReports: readonly string[] = [...trackedReports, 'gradientNorm', 'epsilon', 'failedStep'];

/** What a program has of one batch before anything moves. */
export interface BatchOperands {
  readonly inputs: readonly Tensor[];
  readonly frozen: readonly Tensor[];
  readonly trained: readonly Tensor[];
  readonly statistics: readonly Tensor[];
  readonly scalars: StepScalars;
}

/** What a batch adds to a step. */
export interface BatchTerms {
  /** Names of the loss's scalars: `loss` first, `weight` last if there is one. */
  readonly names: readonly string[];
  /** Their values. */
  readonly values: readonly Tensor[];
  readonly loss: LossResult;
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly statistics: readonly Tensor[];
}

/** Names for tensors in the order of what they belong to. */
function byName(named: readonly { readonly name: string }[], tensors: readonly Tensor[]): [string, Tensor][] {
  return named.map(({ name }, index) => [name, tensors[index]!]);
}

/** Parameters and inputs by name, as a loss sees them. */
export function namedOperands(
  definition: Definition,
  { inputs, frozen, trained, statistics }: BatchOperands,
): { parameters: Readonly<Record<string, Tensor>>; batch: Readonly<Record<string, Tensor>> } {
  return {
    parameters: Object.fromEntries([
      ...byName(definition.frozen, frozen),
      ...byName(definition.trained, trained),
      ...byName(definition.carried, statistics.slice(trackedCount(definition.tracking))),
    ]),
    batch: Object.fromEntries(
      definition.inputs.map(([name], index) => {
        const input = inputs[index]!;
        return [name, input.dtype === 'float16' ? cast(input, definition.dtype) : input];
      }),
    ),
  };
}

/**
 * Traces the loss of a batch.
 *
 * @param keepTemperature use the temperature of the steps so far, if there are any: for a look that is no step
 * @throws DdclError `shape` if the loss returns something else than scalars of the trainer's dtype; `argument` for names of the trainer's own
 */
export function lossTerms(definition: Definition, operands: BatchOperands, keepTemperature = false): BatchTerms {
  const { tracking } = definition;
  const { scalars } = operands;
  const { parameters, batch } = namedOperands(definition, operands);
  const tracked =
    tracking === undefined ? [] : trackBatch(tracking, tracking.tokens(parameters, batch), operands.statistics);
  const loss = definition.loss(parameters, batch, scalars.own, {
    get temperature() {
      return temperatureOf(definition, operands, tracked, keepTemperature);
    },
  });
  if (typeof loss !== 'object' || loss === null) {
    throw new DdclError(
      'argument',
      `A loss returns its scalars by name, such as { loss }, but returned ${String(loss)}.`,
    );
  }
  const { gradients: _gradients, masses: _masses, next, replaced: _replaced, weight, ...others } = loss;
  const { loss: own, ...reports } = others as Readonly<Record<string, Tensor>>;
  const entries = Object.entries({ loss: own!, ...reports, ...(weight && { weight }) });
  for (const [name, value] of entries) {
    if (ownReports.includes(name)) {
      throw new DdclError(
        'argument',
        `The loss returns '${name}', a report of the trainer's own. Give it another name.`,
      );
    }
    if (value?.shape?.length === 0 && value.dtype === definition.dtype) continue;
    throw new DdclError(
      'shape',
      `A loss returns ${definition.dtype} scalars, but its '${name}' is ${value?.type === undefined ? String(value) : formatType(value.type)}. Sum or cast it first.`,
    );
  }
  return {
    names: entries.map(([name]) => name),
    values: entries.map(([, value]) => value),
    loss,
    parameters,
    statistics: [...tracked, ...carriedValues(definition, next ?? {})],
  };
}

/** @throws DdclError `argument` where a loss does not say what a carried parameter becomes, or says it of another; `shape` for another type */
function carriedValues({ carried }: Definition, next: Readonly<Record<string, Tensor>>): Tensor[] {
  const stray = Object.keys(next).find((name) => !carried.some((each) => each.name === name));
  if (stray !== undefined)
    throw new DdclError('argument', `The loss says what '${stray}' is next, which is no carried parameter.`);
  return carried.map(({ name, type }) => {
    const value = next[name];
    if (value !== undefined && formatType(value.type) === formatType(type)) return detach(value);
    throw new DdclError(
      value === undefined ? 'argument' : 'shape',
      `The loss must say what the carried '${name}', ${formatType(type)}, is next, but its \`next\` has ${value === undefined ? 'nothing of it' : formatType(value.type)}.`,
    );
  });
}

/** @throws DdclError `argument` for rows of what is not trained; `shape` for others than [K] of int32 and values of the parameter's type */
export function replacedRows(
  { trained }: Definition,
  replaced: Readonly<Record<string, Replaced>> = {},
): Readonly<Record<string, Replaced>> {
  for (const [name, { rows, values }] of Object.entries(replaced)) {
    const type = trained.find((each) => each.name === name)?.type;
    if (type === undefined)
      throw new DdclError('argument', `The loss replaces rows of '${name}', which is no trained parameter.`);
    if (formatType(values.type) === formatType(type) && formatType(rows.type) === `i32[${type.shape[0]}]`) continue;
    throw new DdclError(
      'shape',
      `Rows of '${name}' are replaced by i32[${type.shape[0]}] and ${formatType(type)}, but the loss gives ${formatType(rows.type)} and ${formatType(values.type)}.`,
    );
  }
  return replaced;
}

/** T of the tracked temperature, a scalar without gradient; see {@link lossTerms}. @throws DdclError `argument` where it is not tracked */
export function temperatureOf(
  { tracking }: Definition,
  operands: BatchOperands,
  statistics: readonly Tensor[],
  keepTemperature: boolean,
): Tensor {
  if (tracking === undefined) {
    throw new DdclError(
      'argument',
      'The loss asks for the temperature, which is not tracked. Set trackTemperature, or pass a temperature as a control.',
    );
  }
  const { share } = operands.scalars;
  const { temperature } = trackedTemperature(tracking, statistics, share);
  if (!keepTemperature) return detach(temperature);
  const before = trackedTemperature(tracking, operands.statistics, share);
  return detach(select(equal(before.critical, 0), temperature, before.temperature));
}

/** Gradients of the loss with respect to all trained parameters, in order: closed forms where the loss gives them. */
export function lossGradients({ trained }: Definition, { loss, parameters }: BatchTerms): Tensor[] {
  const given = loss.gradients ?? {};
  requireTrained(trained, given, 'gradient');
  const open = trained.filter(({ name }) => !Object.hasOwn(given, name)).map(({ name }) => parameters[name]!);
  const made = open.length === 0 ? [] : grad(loss.loss, open);
  return trained.map(({ name, type }) => {
    const gradient = Object.hasOwn(given, name) ? given[name]! : made.shift()!;
    if (formatType(gradient.type) === formatType(type)) return gradient;
    throw new DdclError(
      'shape',
      `The gradient of '${name}' must be ${formatType(type)}, but the loss gives ${formatType(gradient.type)}.`,
      { shapes: [gradient.shape] },
    );
  });
}

/** @throws DdclError `argument` where a loss gives something of what is not trained */
function requireTrained(trained: Definition['trained'], given: object, what: 'gradient' | 'mass'): void {
  const stray = Object.keys(given).find((name) => !trained.some((each) => each.name === name));
  if (stray === undefined) return;
  throw new DdclError('argument', `The loss gives a ${what} of '${stray}', which is no trained parameter.`);
}

/**
 * The masses that optimisers of trained parameters need, in order.
 *
 * @throws DdclError `argument` where the loss gives none, or one of what is not trained; `shape` for one that is not of the parameter's rows
 */
export function lossMasses(definition: Definition, { loss }: BatchTerms): Tensor[] {
  const given = loss.masses ?? {};
  requireTrained(definition.trained, given, 'mass');
  return massOwners(definition).map(({ name, type, group }) => {
    const wanted = rowsType(type);
    const mass = Object.hasOwn(given, name) ? given[name]! : undefined;
    if (mass !== undefined && formatType(mass.type) === formatType(wanted)) return mass;
    throw new DdclError(
      mass === undefined ? 'argument' : 'shape',
      `${definition.groups[group]!.optimizer.name} needs the mass of each row of '${name}', ${formatType(wanted)}, but the loss gives ${mass === undefined ? 'none' : formatType(mass.type)}. Return { gradients, masses } as lossAndGradient has them, or take another optimiser.`,
    );
  });
}

/** Trained parameters whose optimiser takes masses. */
export function massOwners({ trained, groups }: Definition): Definition['trained'] {
  return trained.filter(({ group }) => groups[group]!.optimizer.needsMass === true);
}

/** A number for each row of a parameter. */
export const rowsType = ({ dtype, shape }: ConcreteType): ConcreteType => ({ dtype, shape: shape.slice(0, 1) });

/** Scalars as one vector. */
export function pack(values: readonly Tensor[]): Tensor {
  return concat(
    values.map((value) => reshape(value, [1])),
    0,
  );
}

/** The scalars of a batch with its weight at the end, which is 1 where the loss gives none. */
export function weightedValues({ loss, values }: BatchTerms): Tensor[] {
  return loss.weight === undefined ? [...values, scalar(loss.loss, 1)] : [...values];
}
