import {
  add,
  DdclError,
  detach,
  div,
  formatType,
  less,
  max,
  maximum,
  mul,
  reshape,
  select,
  zeros,
  type Dimension,
  type FloatDType,
  type Random,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import type { ParameterDefinition, Replaced } from '@ddcl/core/train';
import { requireArgument, requireOptions } from '../checks/require.ts';
import { quantizers } from '../quantizers/quantizers.ts';
import { books, tensorName } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { hasCodes } from '../state/codebooks.ts';
import { stateTensors } from '../state/tensors.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { assignCodes } from './assign.ts';
import { buildQuantizer, tensorsOf } from './build.ts';
import { drawInputs, quantizerControls, type DrawnInput, type QuantizerSchedule } from './controls.ts';
import { controlNames, inputTypes } from './names.ts';

/** A quantizer inside a training program of yours: what to give `createTrainer`, and what to call in its loss. */
export interface QuantizerPart {
  /** With defaults filled in. */
  readonly spec: ResolvedSpec;
  /** What all names begin with. */
  readonly prefix: string;
  /** For the trainer's `parameters`: codes and projections that gradients move, and running averages that the part moves itself. */
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  /** Names of the parameters that gradients move; the codes apart, since they want a rate of their own (0.02 to 0.05 with Adam). */
  readonly trained: { readonly codes: readonly string[]; readonly others: readonly string[] };
  /** For the trainer's `controls`. */
  readonly controls: readonly string[];
  /**
   * For the trainer's `inputs`: noise, and the tokens that dead codes would move to.
   * @param n vectors of a batch: a number or a symbol. Default `n`
   */
  inputs(n?: Dimension, dtype?: FloatDType): Readonly<Record<string, TensorType>>;
  /**
   * Controls of a step, where they are on a schedule.
   * @param progress 0..1; @param random draws how many residual levels count
   * @throws DdclError `argument` for a schedule out of range
   */
  drawControls(schedule: QuantizerSchedule, progress: number, random: Random): Record<string, number>;
  /**
   * Inputs of a step.
   * @param n vectors of the batch; @param weights theirs, so that no code moves to padding
   */
  drawInputs(n: number, random: Random, weights?: ArrayLike<number>): Record<string, DrawnInput>;
  /** Adds the quantizer to a trace. @throws DdclError `shape` or `argument` for what does not fit */
  build(operands: PartOperands): PartResults;
  /** Adds it as it is applied once it is trained, as `quantize` does: nearest codes, norms by their running values. @throws as `build` */
  apply(operands: AppliedOperands): AppliedResults;
  /** The state after training, from the trainer's `read()`. */
  toState(parameters: Readonly<Record<string, ArrayLike<number>>>): QuantizerState;
}

export interface PartOperands {
  /** Latents, float [..., m]. */
  readonly z: Tensor;
  /** A weight >= 0 for each vector, of as many numbers as there are vectors; 0 for padding, of which nothing depends. Default all 1. */
  readonly weights?: Tensor;
  /** Hold the part's parameters, inputs and controls, by their full names; others may be there. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly controls: Readonly<Record<string, Tensor>>;
}

/** What applying takes: no inputs, no controls. */
export type AppliedOperands = Omit<PartOperands, 'inputs' | 'controls'>;

/** As of {@link PartResults}, without gradient. */
export type AppliedResults = Pick<PartResults, 'hard' | 'indices'>;

export interface PartResults {
  /** What a decoder gets in training, of the latents' shape; zeros for vectors of weight 0. Of latents with `norm`, in its units. */
  readonly output: Tensor;
  /** The same of the codes alone, without gradient: what will be decoded from stored codes. */
  readonly hard: Tensor;
  /** int32 [n, H D]: for each head its levels. 0 for vectors of weight 0. */
  readonly indices: Tensor;
  /** The quantizer's own losses, a scalar per unit of weight: add it to yours. Mean over heads, sum over levels. */
  readonly loss: Tensor;
  /** Scalars per unit of weight, without gradient; of several levels `name.0`, `name.1`, ... */
  readonly reports: Readonly<Record<string, Tensor>>;
  /** For what the trainer's loss returns. */
  readonly next: Readonly<Record<string, Tensor>>;
  readonly replaced: Readonly<Record<string, Replaced>>;
}

/**
 * A quantizer as part of a program.
 *
 * @param state where it starts: `createState(spec)`, or one that was initialized or trained
 * @throws DdclError `argument` for a state that is none
 */
export function quantizerPart(state: QuantizerState, options: { readonly prefix?: string } = {}): QuantizerPart {
  requireOptions(options);
  const { prefix = 'quantizer.' } = options;
  requireArgument('prefix', prefix, typeof prefix === 'string', 'a text');
  const spec = requireState(state);
  const tensors = stateTensors(spec);
  const named = (names: readonly string[]): string[] => names.map((name) => prefix + name);
  const trained = tensors.filter(({ role }) => role === 'trained').map(({ name }) => name);
  const isCode = (name: string): boolean => name.startsWith('codes.');
  return {
    spec,
    prefix,
    parameters: Object.fromEntries(
      tensors.map(({ name, shape, role }): [string, ParameterDefinition] => [
        prefix + name,
        {
          shape,
          data: state.tensors[name]!,
          ...(role === 'carried' && { carried: true }),
          ...(role === 'fixed' && { frozen: true }),
        },
      ]),
    ),
    trained: { codes: named(trained.filter(isCode)), others: named(trained.filter((name) => !isCode(name))) },
    controls: named(controlNames(spec)),
    inputs: (n = 'n', dtype = 'float32') => prefixed(prefix, inputTypes(spec, n, dtype)),
    drawControls: (schedule, progress, random) => prefixed(prefix, quantizerControls(spec, schedule, progress, random)),
    drawInputs: (n, random, weights) => prefixed(prefix, drawInputs(spec, n, random, weights)),
    build: (operands) => buildPart(spec, prefix, operands),
    apply: (operands) => applyPart(spec, prefix, operands),
    toState: (parameters) =>
      checked({
        spec: state.spec,
        tensors: Object.fromEntries(
          tensors.map(({ name }) => [name, Float32Array.from(parameters[prefix + name] ?? [])]),
        ),
      }),
  };
}

function prefixed<T>(prefix: string, named: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [prefix + name, value]));
}

function checked(state: QuantizerState): QuantizerState {
  requireState(state);
  return state;
}

/** Weights in units of the largest: results are per unit of weight, and sums must not leave float32. */
const ofLargest = (weights: Tensor): Tensor => div(weights, detach(maximum(max(weights), 1e-37)));

/** Latents as rows [n, m] with their weights [n]. */
function flatRows(
  spec: ResolvedSpec,
  { z, weights }: AppliedOperands,
): { readonly n: number; readonly flat: Tensor; readonly column: Tensor } {
  const dimension = z.shape.at(-1);
  const sizes = z.shape.slice(0, -1);
  if (dimension !== spec.dimension || !z.shape.every((size) => typeof size === 'number')) {
    throw new DdclError(
      'shape',
      `The quantizer takes latents [..., ${spec.dimension}] of known sizes, but got ${formatType(z.type)}.`,
      { shapes: [z.shape] },
    );
  }
  const n = sizes.reduce<number>((product, size) => product * Number(size), 1);
  if (weights !== undefined && weights.shape.reduce<number>((product, size) => product * Number(size), 1) !== n) {
    throw new DdclError(
      'shape',
      `There are ${n} latents but weights ${formatType(weights.type)}; give one weight per vector.`,
      { shapes: [z.shape, weights.shape] },
    );
  }
  return {
    n,
    flat: reshape(z, [n, spec.dimension]),
    column: weights === undefined ? add(zeros(z, { dtype: z.dtype, shape: [n] }), 1) : ofLargest(reshape(weights, [n])),
  };
}

/** Tensors that the part asked for by name. @throws DdclError `argument` for one that is missing */
function take(
  prefix: string,
  what: string,
  given: Readonly<Record<string, Tensor>>,
  names: readonly string[],
): Record<string, Tensor> {
  return Object.fromEntries(
    names.map((name) => {
      const tensor = given[prefix + name];
      if (tensor !== undefined) return [name, tensor];
      throw new DdclError('argument', `The quantizer lacks ${what} '${prefix}${name}'. Give what the part lists.`);
    }),
  );
}

const parametersOf = (spec: ResolvedSpec, prefix: string, { parameters }: AppliedOperands): Record<string, Tensor> =>
  take(
    prefix,
    'the parameter',
    parameters,
    stateTensors(spec).map(({ name }) => name),
  );

function buildPart(spec: ResolvedSpec, prefix: string, operands: PartOperands): PartResults {
  const { z } = operands;
  const { n, flat, column } = flatRows(spec, operands);
  const types = inputTypes(spec, n, z.dtype as FloatDType);
  const inputs = take(prefix, 'the input', operands.inputs, Object.keys(types));
  for (const [name, type] of Object.entries(types)) {
    if (formatType(inputs[name]!.type) === formatType(type)) continue;
    throw new DdclError(
      'shape',
      `The input '${prefix}${name}' must be ${formatType(type)} for these latents, but is ${formatType(inputs[name]!.type)}.`,
      { shapes: [inputs[name]!.shape] },
    );
  }
  const built = buildQuantizer(spec, {
    z: flat,
    weights: column,
    tensors: parametersOf(spec, prefix, operands),
    inputs,
    controls: take(prefix, 'the control', operands.controls, controlNames(spec)),
  });
  return {
    ...built,
    output: reshape(built.output, z.shape),
    hard: reshape(built.hard, z.shape),
    next: prefixed(prefix, built.next),
    replaced: prefixed(prefix, built.replaced),
  };
}

function applyPart(spec: ResolvedSpec, prefix: string, operands: AppliedOperands): AppliedResults {
  const { n, flat, column } = flatRows(spec, operands);
  const own = parametersOf(spec, prefix, operands);
  const quantizer = quantizers[spec.kind];
  const codes = hasCodes(spec)
    ? books(spec).map((book) => [tensorName('codes', book), quantizer.codes!(tensorsOf(quantizer, spec, own, book))])
    : [];
  const isToken = less(0, reshape(column, [n, 1]));
  const rows = detach(select(isToken, flat, 0));
  const { indices, hard } = assignCodes(spec, { ...own, ...Object.fromEntries(codes) }, rows, column);
  return { indices: mul(indices, isToken), hard: reshape(detach(select(isToken, hard, 0)), operands.z.shape) };
}
