import { DdclError } from '../errors/ddcl-error.ts';
import type { FloatDType } from '../program/dtype.ts';
import { readSafetensors } from '../safetensors/read-safetensors.ts';
import type { SafetensorsTensor } from '../safetensors/tensor.ts';
import { writeSafetensors } from '../safetensors/write-safetensors.ts';
import { ownPrefix, type Definition, type Parameter } from './definition.ts';
import { noFailedStep } from './finish-step.ts';
import { heldTypes } from './step-programs.ts';
import { trackedCount } from './track-temperature.ts';

export type Numbers = Float32Array | Float64Array;

/** All that a trainer carries from step to step, as plain data. */
export interface TrainerState<Values extends ArrayLike<number> = ArrayLike<number>> {
  /** Steps made. */
  readonly step: number;
  /** By name, row-major, frozen and carried ones too. */
  readonly parameters: Readonly<Record<string, Values>>;
  /** The optimiser's tensors of each trained parameter. */
  readonly optimizer: Readonly<Record<string, readonly Values[]>>;
  /** Of the tracked temperature; empty without it. */
  readonly statistics: readonly Values[];
}

/** Whether a number can be that of the steps made: whole, and below the flag of a run without a failed step. */
export const isStepCount = (step: unknown): step is number =>
  Number.isSafeInteger(step) && (step as number) >= 0 && (step as number) < noFailedStep;

const format = 'ddcl.trainer';
const formatVersion = '1';

/** What two trainers must share for one to go on with the other's state, as text. Rates and decays may differ: they are inputs of steps. */
function identityOf({ dtype, groups, trained, tracking }: Definition): Record<string, string> {
  return {
    dtype,
    groups: groups
      .map(({ optimizer: { name, settings } }, index) => {
        const numbers = Object.entries(settings).filter(([setting]) => setting !== 'weightDecay');
        const members = trained.filter(({ group }) => group === index).map((each) => each.name);
        return `${name}(${numbers.map(([setting, value]) => `${setting}=${value}`).join(' ')}): ${members.join(' ')}`;
      })
      .join('; '),
    tracking: tracking === undefined ? 'none' : tracking.prototypes,
  };
}

/** Names and shapes of all tensors of a state's file. */
function tensorShapes(definition: Definition): Map<string, readonly number[]> {
  const types = heldTypes(definition);
  const shapes = new Map<string, readonly number[]>();
  for (const { name, type } of parametersOf(definition)) shapes.set(name, type.shape);
  definition.trained.forEach(({ name }, index) =>
    types.slots[index]!.forEach(({ shape }, slot) => shapes.set(slotName(name, slot), shape)),
  );
  types.statistics
    .slice(0, trackedCount(definition.tracking))
    .forEach(({ shape }, index) => shapes.set(statisticName(index), shape));
  return shapes;
}

const parametersOf = ({ trained, frozen, carried }: Definition): Parameter[] => [...trained, ...frozen, ...carried];

const slotName = (name: string, slot: number): string => `${ownPrefix}optimizer.${slot}.${name}`;
const statisticName = (index: number): string => `${ownPrefix}statistics.${index}`;

/**
 * A state as a safetensors file: parameters under their names, the optimiser's tensors as `ddcl.optimizer.<slot>.<name>`, statistics as
 * `ddcl.statistics.<n>`; in the metadata `format`, `formatVersion`, `step`, and what the state belongs to. Equal states give equal bytes.
 */
export function stateToBytes(definition: Definition, state: TrainerState): Uint8Array<ArrayBuffer> {
  const values = new Map<string, ArrayLike<number>>(Object.entries(state.parameters));
  for (const [name, slots] of Object.entries(state.optimizer))
    slots.forEach((slot, index) => values.set(slotName(name, index), slot));
  state.statistics.forEach((statistic, index) => values.set(statisticName(index), statistic));
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, shape] of tensorShapes(definition))
    tensors.set(name, {
      dtype: definition.dtype === 'float32' ? 'F32' : 'F64',
      shape,
      data: toDType(values.get(name)!, definition.dtype),
    });
  return writeSafetensors(tensors, { format, formatVersion, step: String(state.step), ...identityOf(definition) });
}

/** @throws DdclError `format` for bytes that are no trainer's state; `data` for that of a trainer with other parameters, optimisers or groups */
export function stateFromBytes(definition: Definition, bytes: Uint8Array | ArrayBuffer): TrainerState {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata['step'] ?? '';
  // Number('') and Number(' ') are 0.
  const step = /^\d+$/.test(text) ? Number(text) : NaN;
  if (metadata['format'] !== format || metadata['formatVersion'] !== formatVersion || !isStepCount(step)) {
    throw new DdclError(
      'format',
      `This is not a trainer's state of format version ${formatVersion}: format ${metadata['format']}, version ${metadata['formatVersion']}, step '${metadata['step']}' (a whole number below ${noFailedStep}). Give bytes that toBytes() wrote.`,
    );
  }
  const wanted = tensorShapes(definition);
  const different = Object.entries(identityOf(definition))
    .filter(([name, text]) => metadata[name] !== text)
    .map(([name, text]) => `${name} was ${metadata[name] ?? 'not set'}, is ${text}`);
  for (const [name, shape] of wanted) {
    const found = tensors.get(name)?.shape;
    if (found?.join() !== shape.join())
      different.push(
        `${name} was ${found === undefined ? 'not there' : `[${found.join(', ')}]`}, is [${shape.join(', ')}]`,
      );
  }
  for (const name of tensors.keys()) if (!wanted.has(name)) different.push(`${name} was there, is not`);
  if (different.length > 0) {
    throw new DdclError(
      'data',
      `The state belongs to another trainer: ${different.join('; ')}. Restore it into one with the same parameters, optimisers and groups.`,
    );
  }
  const read = (name: string): Numbers => {
    const { data } = tensors.get(name)!;
    if (definition.dtype === 'float32' ? data instanceof Float32Array : data instanceof Float64Array)
      return data as Numbers;
    throw new DdclError('format', `The tensor ${name} of this state is not ${definition.dtype}, as its metadata say.`);
  };
  const types = heldTypes(definition);
  return {
    step,
    parameters: Object.fromEntries(parametersOf(definition).map(({ name }) => [name, read(name)])),
    optimizer: Object.fromEntries(
      definition.trained.map(({ name }, index) => [
        name,
        types.slots[index]!.map((_, slot) => read(slotName(name, slot))),
      ]),
    ),
    statistics: Array.from({ length: trackedCount(definition.tracking) }, (_, index) => read(statisticName(index))),
  };
}

export function toDType(values: ArrayLike<number>, dtype: FloatDType): Numbers {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}
