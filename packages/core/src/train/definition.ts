import { DdclError } from '../errors/ddcl-error.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { FloatDType } from '../program/dtype.ts';
import { elementCount, tensorType, type ConcreteType, type TensorType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import { createRandom } from '../random/random.ts';
import { matches } from './match.ts';
import type { LossContext, LossResult, ParameterDefinition, Setting } from './options.ts';
import type { TrainerState } from './state.ts';
import { resolveTracking, type Tracking } from './track-temperature.ts';

/** A parameter, checked. */
export interface Parameter {
  readonly name: string;
  readonly type: ConcreteType;
  readonly start: ArrayLike<number>;
}

/** A parameter that steps move. */
export interface Trained extends Parameter {
  /** Index of its group. */
  readonly group: number;
  readonly decays: boolean;
}

export interface Group {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly learningRate: Setting<string>;
  readonly weightDecay: Setting<string>;
}

/** The options of a trainer, checked and with defaults filled in; names are texts from here on. */
export interface Definition {
  readonly dtype: FloatDType;
  readonly trained: readonly Trained[];
  readonly frozen: readonly Parameter[];
  /** Parameters that become what the loss says. */
  readonly carried: readonly Parameter[];
  readonly groups: readonly Group[];
  readonly inputs: readonly (readonly [string, TensorType])[];
  readonly controls: readonly string[];
  readonly loss: (
    parameters: Readonly<Record<string, Tensor>>,
    batch: Readonly<Record<string, Tensor>>,
    controls: Readonly<Record<string, Tensor>>,
    context: LossContext,
  ) => LossResult;
  readonly clipNorm: number | undefined;
  readonly totalSteps: number | undefined;
  readonly reports: boolean;
  readonly tracking: Tracking | undefined;
}

/** {@link Definition} before the checks: `TrainerOptions` without its types of names. */
export interface AnyTrainerOptions {
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly controls?: readonly string[];
  readonly groups: readonly {
    readonly match: string | readonly string[];
    readonly optimizer: Optimizer;
    readonly learningRate: Setting<string>;
    readonly weightDecay?: Setting<string>;
    readonly noWeightDecay?: string | readonly string[];
  }[];
  readonly loss: Definition['loss'];
  readonly clipNorm?: number;
  readonly totalSteps?: number;
  readonly dtype?: FloatDType;
  readonly seed?: number;
  readonly reports?: boolean;
  readonly trackTemperature?: unknown;
}

/** Tensors of the trainer's own have names that start so. */
export const ownPrefix = 'ddcl.';
const reservedNames: readonly string[] = ['__proto__', '__metadata__'];

/** @throws DdclError `argument` or `shape`, naming the parameter, group or option */
export function resolveDefinition(options: AnyTrainerOptions): Definition {
  const { dtype = 'float32', clipNorm, totalSteps, controls = [], reports = true } = options;
  requireOption('clipNorm', clipNorm, clipNorm === undefined || (clipNorm > 0 && clipNorm < Infinity), 'a number > 0');
  const whole = totalSteps === undefined || (Number.isSafeInteger(totalSteps) && totalSteps >= 1);
  requireOption('totalSteps', totalSteps, whole, 'a whole number >= 1');
  const hasGroups = Array.isArray(options.groups) && options.groups.length > 0;
  requireOption(
    'groups',
    options.groups,
    hasGroups,
    'a list of groups { match, optimizer, learningRate }, at least one',
  );
  const groups = options.groups.map(({ match, optimizer, learningRate, weightDecay }): Group => {
    const patterns: unknown[] = [match].flat();
    const areTexts = patterns.length > 0 && patterns.every((each) => typeof each === 'string');
    requireOption('match of a group', match, areTexts, 'a pattern of names or a list of them');
    const name = patterns.join(' ');
    const isOptimizer = typeof optimizer?.update === 'function';
    requireOption(`optimizer of the group '${name}'`, optimizer, isOptimizer, 'one such as sgd() or adam()');
    const group = {
      name,
      optimizer,
      learningRate,
      weightDecay: weightDecay ?? optimizer.settings['weightDecay'] ?? 0,
    };
    for (const [what, setting] of [
      ['learningRate', learningRate],
      ['weightDecay', group.weightDecay],
    ] as const)
      checkSetting(`${what} of the group '${group.name}'`, setting, controls, totalSteps);
    return group;
  });
  const trained: Trained[] = [];
  const frozen: Parameter[] = [];
  const carried: Parameter[] = [];
  for (const [name, definition] of Object.entries(options.parameters)) {
    const parameter = resolveParameter(name, definition, dtype, options.seed ?? 0);
    const group = options.groups.findIndex(({ match }) => matches(name, match));
    if (definition.frozen === true) frozen.push(parameter);
    else if (definition.carried === true) carried.push(parameter);
    else if (group >= 0)
      trained.push({ ...parameter, group, decays: !matches(name, options.groups[group]!.noWeightDecay ?? []) });
    else
      throw new DdclError(
        'argument',
        `The parameter '${name}' belongs to no group (${groups.map((each) => each.name).join(', ')}). Give one that matches it, or freeze or carry it.`,
      );
  }
  if (trained.length === 0) {
    throw new DdclError(
      'argument',
      'A trainer needs at least one parameter that it trains, but all are frozen or carried or there is none. Leave that out where a parameter should move.',
    );
  }
  groups.forEach(({ name }, index) => {
    if (trained.some(({ group }) => group === index)) return;
    throw new DdclError(
      'argument',
      `The group '${name}' matches no trained parameter that an earlier group leaves. Parameters are ${Object.keys(options.parameters).join(', ')}.`,
    );
  });
  const tracking = resolveTracking(options.trackTemperature, trained);
  if (tracking !== undefined) checkSetting('The temperature of trackTemperature', tracking.share, controls, totalSteps);
  return {
    dtype,
    trained,
    frozen,
    carried,
    groups,
    inputs: Object.entries(options.inputs),
    controls,
    loss: options.loss,
    clipNorm,
    totalSteps,
    reports,
    tracking,
  };
}

function resolveParameter(
  name: string,
  { shape, data, initialize }: ParameterDefinition,
  dtype: FloatDType,
  seed: number,
): Parameter {
  if (reservedNames.includes(name)) {
    throw new DdclError(
      'argument',
      `A parameter cannot be named '${name}', which objects or safetensors files need for themselves. Give it another name.`,
    );
  }
  if (name.startsWith(ownPrefix) || (data === undefined) === (initialize === undefined)) {
    throw new DdclError(
      'argument',
      `The parameter '${name}' needs either data or initialize, and a name that does not start with '${ownPrefix}'.`,
    );
  }
  const type = tensorType(dtype, shape, name) as ConcreteType;
  const start = data ?? initialize!(shape, createRandom(seed).fork(name));
  if (typeof start?.length !== 'number') {
    throw new DdclError(
      'argument',
      `The parameter '${name}' starts at a list of ${elementCount(shape)} numbers, but ${data === undefined ? 'its initializer returned' : 'its data is'} ${String(start)}.`,
    );
  }
  if (start.length !== elementCount(shape)) {
    throw new DdclError(
      'shape',
      `The parameter '${name}' of shape [${shape.join(', ')}] takes ${elementCount(shape)} numbers, but got ${start.length}.`,
      { shapes: [shape] },
    );
  }
  return { name, type, start };
}

/** @throws DdclError `argument` unless it is a number >= 0, a schedule with `totalSteps`, or one of the controls */
function checkSetting(
  what: string,
  setting: Setting<string>,
  controls: readonly string[],
  totalSteps: number | undefined,
): void {
  if (typeof setting === 'function')
    requireOption(
      what,
      setting,
      totalSteps !== undefined,
      'a number where totalSteps is not given: a schedule needs to know the end',
    );
  else if (typeof setting === 'string')
    requireOption(
      what,
      setting,
      controls.includes(setting),
      `a number, a schedule or one of the controls (${controls.join(', ')})`,
    );
  else requireOption(what, setting, setting >= 0 && setting < Infinity, 'a number >= 0');
}

function requireOption(what: string, value: unknown, isRight: boolean, wanted: string): void {
  if (!isRight)
    throw new DdclError(
      'argument',
      `${what} must be ${wanted}, but is ${typeof value === 'function' ? 'a schedule' : value}.`,
    );
}

/** Where a trainer starts. */
export function startOf({ trained, frozen, carried }: Definition): TrainerState {
  const parameters = Object.fromEntries([...trained, ...frozen, ...carried].map(({ name, start }) => [name, start]));
  return { step: 0, parameters, optimizer: {}, statistics: [] };
}
