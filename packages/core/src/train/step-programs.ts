import { DdclError } from '../errors/ddcl-error.ts';
import { add } from '../program/ops/elementwise.ts';
import { reshape, slice } from '../program/ops/layout.ts';
import type { Program } from '../program/program.ts';
import type { ConcreteType } from '../program/tensor-type.ts';
import { trace, type Tensor } from '../program/trace.ts';
import { controlCount, stepScalars } from './controls.ts';
import type { Definition } from './definition.ts';
import { finishStep, type Held } from './finish-step.ts';
import {
  lossGradients,
  lossMasses,
  lossTerms,
  massOwners,
  namedOperands,
  pack,
  replacedRows,
  rowsType,
  temperatureOf,
  weightedValues,
  type BatchOperands,
} from './terms.ts';
import { spreadTypes } from './track-spread.ts';
import { tokenRows, trackBatch } from './track-temperature.ts';

/** A program of a trainer, and the names of the loss's scalars that tracing found. */
export interface TracedStep {
  readonly program: Program;
  readonly names: readonly string[];
}

/** Types of what programs take beside a batch, in order. */
export interface HeldTypes {
  readonly controls: ConcreteType;
  readonly frozen: readonly ConcreteType[];
  readonly trained: readonly ConcreteType[];
  /** Of the tracked temperature, then carried parameters. */
  readonly statistics: readonly ConcreteType[];
  /** For each trained parameter its optimiser's state. */
  readonly slots: readonly (readonly ConcreteType[])[];
  /** What a step sums up beside scalars: gradients of the trained parameters, then masses. */
  readonly sums: readonly ConcreteType[];
  readonly flag: ConcreteType;
}

export function heldTypes(definition: Definition): HeldTypes {
  const { dtype, trained, frozen, carried, groups, tracking } = definition;
  return {
    controls: { dtype, shape: [controlCount(definition)] },
    frozen: frozen.map(({ type }) => type),
    trained: trained.map(({ type }) => type),
    statistics: [
      ...(tracking === undefined ? [] : spreadTypes(tracking.dimension, dtype)),
      ...carried.map(({ type }) => type),
    ],
    slots: trained.map(({ type, group }) =>
      groups[group]!.optimizer.slots.map((shape) => (shape === 'parameter' ? type : rowsType(type))),
    ),
    sums: [...trained.map(({ type }) => type), ...massOwners(definition).map(({ type }) => rowsType(type))],
    flag: { dtype, shape: [] },
  };
}

/** Takes a program's tensors from the front, as many as there are types. */
class Taker {
  readonly #tensors: Tensor[];

  constructor(tensors: readonly Tensor[]) {
    this.#tensors = [...tensors];
  }

  take(types: readonly unknown[]): Tensor[] {
    return this.#tensors.splice(0, types.length);
  }

  one(): Tensor {
    return this.#tensors.shift()!;
  }
}

const inOrder = ({ trained, statistics, slots, flag }: Held): Tensor[] => [
  ...trained,
  ...statistics,
  ...slots.flat(),
  flag,
];

function takeBatch(
  definition: Definition,
  inputs: readonly ConcreteType[],
  types: HeldTypes,
  taker: Taker,
): BatchOperands {
  return {
    inputs: taker.take(inputs),
    scalars: stepScalars(definition, taker.one()),
    frozen: taker.take(types.frozen),
    trained: taker.take(types.trained),
    statistics: taker.take(types.statistics),
  };
}

/** Types of a program's parameters up to the statistics: (...batch, controls, ...frozen, ...trained, ...statistics). */
function batchTypes(inputs: readonly ConcreteType[], types: HeldTypes): ConcreteType[] {
  return [...inputs, types.controls, ...types.frozen, ...types.trained, ...types.statistics];
}

/** A whole step of one batch: (...batch, controls, ...frozen, ...held) to (...held, reports), with held in the order of {@link heldTypes}. */
export function stepProgram(definition: Definition, inputs: readonly ConcreteType[]): TracedStep {
  const types = heldTypes(definition);
  let names: readonly string[] = [];
  const program = trace(
    [...batchTypes(inputs, types), ...types.slots.flat(), types.flag],
    (...tensors) => {
      const taker = new Taker(tensors as Tensor[]);
      const operands = takeBatch(definition, inputs, types, taker);
      const held: Held = { ...operands, slots: types.slots.map((own) => taker.take(own)), flag: taker.one() };
      const terms = lossTerms(definition, operands);
      names = terms.names;
      const values = definition.reports ? terms.values : [];
      const gradients = lossGradients(definition, terms);
      const masses = lossMasses(definition, terms);
      const { weight, replaced } = terms.loss;
      const sums = { ...terms, values, weight, gradients, masses, replaced: replacedRows(definition, replaced) };
      const { next, reports } = finishStep(definition, operands.scalars, sums, held);
      return [...inOrder(next), ...(definition.reports ? [reports] : [])];
    },
    'train step',
  );
  return { program, names };
}

/**
 * A batch added to a step's sums, of which `count` are scalars (the weight alone without reports): (...batch, controls, ...frozen, ...trained, ...statistics, scalar sums, ...gradient sums) to (...statistics, scalar sums, ...gradient sums); masses count as gradients. */
export function accumulateProgram(definition: Definition, inputs: readonly ConcreteType[], count: number): TracedStep {
  const types = heldTypes(definition);
  let names: readonly string[] = [];
  const program = trace(
    [...batchTypes(inputs, types), { dtype: definition.dtype, shape: [count] }, ...types.sums],
    (...tensors) => {
      const taker = new Taker(tensors as Tensor[]);
      const operands = takeBatch(definition, inputs, types, taker);
      const [values, before] = [taker.one(), taker.take(types.sums)];
      const terms = lossTerms(definition, operands);
      names = terms.names;
      if (Object.keys(terms.loss.replaced ?? {}).length > 0) {
        throw new DdclError(
          'argument',
          'A loss that replaces rows of parameters takes steps of one batch: rows that one batch replaces would be gone before the next.',
        );
      }
      const own = [...lossGradients(definition, terms), ...lossMasses(definition, terms)];
      return [
        ...terms.statistics,
        add(values, pack(weightedValues(terms).slice(-count))),
        ...before.map((sum, index) => add(sum, own[index]!)),
      ];
    },
    'accumulate',
  );
  return { program, names };
}

/** The step after its last batch: (controls, scalar sums, ...gradient sums, ...statistics after the batches, ...held) to (...held, reports). */
export function updateProgram(definition: Definition, names: readonly string[], count: number): Program {
  const types = heldTypes(definition);
  return trace(
    [
      types.controls,
      { dtype: definition.dtype, shape: [count] },
      ...types.sums,
      ...types.statistics,
      ...types.trained,
      ...types.statistics,
      ...types.slots.flat(),
      types.flag,
    ],
    (...tensors) => {
      const taker = new Taker(tensors as Tensor[]);
      const scalars = stepScalars(definition, taker.one());
      const packed = taker.one();
      const at = (index: number): Tensor => reshape(slice(packed, [index], [1]), []);
      const sums = {
        names,
        values: definition.reports ? names.map((_, index) => at(index)) : [],
        weight: at(count - 1),
        gradients: taker.take(types.trained),
        masses: taker.take(types.sums.slice(types.trained.length)),
        replaced: {},
        statistics: taker.take(types.statistics),
      };
      const held: Held = {
        trained: taker.take(types.trained),
        statistics: taker.take(types.statistics),
        slots: types.slots.map((own) => taker.take(own)),
        flag: taker.one(),
      };
      const { next, reports } = finishStep(definition, scalars, sums, held);
      return [...inOrder(next), ...(definition.reports ? [reports] : [])];
    },
    'train update',
  );
}

/** The loss's scalars of a batch, its weight last, without a step: (...batch, controls, ...frozen, ...trained, ...statistics) to (scalars). */
export function evaluateProgram(definition: Definition, inputs: readonly ConcreteType[]): TracedStep {
  const types = heldTypes(definition);
  let names: readonly string[] = [];
  const program = trace(
    batchTypes(inputs, types),
    (...tensors) => {
      const terms = lossTerms(definition, takeBatch(definition, inputs, types, new Taker(tensors as Tensor[])), true);
      names = terms.names;
      return [pack(weightedValues(terms))];
    },
    'evaluate',
  );
  return { program, names };
}

/**
 * The tracked tokens as rows, for the timescale: (...batch, controls, ...frozen, ...trained, ...statistics) to (tokens [n, m], weights [n],
 * temperature).
 */
export function tokensProgram(definition: Definition, inputs: readonly ConcreteType[]): Program {
  const types = heldTypes(definition);
  const tracking = definition.tracking!;
  return trace(
    batchTypes(inputs, types),
    (...tensors) => {
      const operands = takeBatch(definition, inputs, types, new Taker(tensors as Tensor[]));
      const { parameters, batch } = namedOperands(definition, operands);
      const tracked = tracking.tokens(parameters, batch);
      const { rows, column } = tokenRows(tracked, tracking);
      const temperature = temperatureOf(definition, operands, trackBatch(tracking, tracked, operands.statistics), true);
      return [rows, reshape(column, [column.shape[0]!]), temperature];
    },
    'tracked tokens',
  );
}
