import { DdclError } from '@ddcl/core';
import { requireArgument, requireNumber, requireObject, requireWhole } from '../checks/require.ts';
import { optionsOf, quantizerKinds, type QuantizerKind, type QuantizerSpec } from './spec.ts';

/** A spec with its defaults filled in; options of other kinds have values that mean nothing. */
export type ResolvedSpec = Required<Omit<QuantizerSpec, 'codeDimension'>> & {
  /** Width c of a head's codes. */
  readonly codeDimension: number;
  /** Whether vectors are projected to and from the heads. */
  readonly projected: boolean;
};

const codeWeights: Partial<Record<QuantizerKind, number>> = { vq: 1, simvq: 1, smoothed: 1 };
const withoutCommitment: readonly QuantizerKind[] = ['ddcl', 'gumbel', 'fsq'];

/** Largest size; codes beyond it an int32 index cannot tell apart. */
const mostNumber = 2 ** 31 - 1;

/** Codes of a vector that a header of packed codes can tell. */
const mostPlaces = 0xffff;

const switches = ['sharedHeads', 'sharedDepth', 'frozen', 'stochastic', 'lqThrough', 'hardOutput'] as const;

/** @throws DdclError `argument` naming the option, for numbers out of range and options that the kind does not have */
export function resolveSpec(spec: QuantizerSpec): ResolvedSpec {
  requireObject('The spec of a quantizer', spec, 'an object such as { kind, dimension, codes }');
  const { kind, dimension } = spec;
  requireArgument('kind', kind, quantizerKinds.includes(kind), `one of ${quantizerKinds.join(', ')}`);
  for (const [name, value] of Object.entries(spec)) {
    if (value === undefined || optionsOf[kind].includes(name as keyof QuantizerSpec)) continue;
    throw new DdclError(
      'argument',
      `A quantizer of kind ${kind} has no option ${name}. It has ${optionsOf[kind].join(', ')}.`,
    );
  }
  const { heads = 1, depth = 1, levels = [], decay = 0.99, tracking = 0.98 } = spec;
  requireWhole('dimension', dimension, 1, mostNumber);
  requireWhole('heads', heads, 1, mostPlaces);
  requireWhole('depth', depth, 1, mostPlaces);
  requireArgument(
    'heads x depth',
    heads * depth,
    heads * depth <= mostPlaces,
    `at most ${mostPlaces} codes per vector`,
  );
  requireArgument('levels', levels, Array.isArray(levels), 'a list of how many values each component takes');
  if (spec.codeDimension !== undefined) requireWhole('codeDimension', spec.codeDimension, 1, mostNumber);
  for (const name of switches)
    requireArgument(name, spec[name], spec[name] === undefined || typeof spec[name] === 'boolean', 'true or false');
  const natural = kind === 'fsq' ? levels.length : kind === 'lfq' ? Math.log2(spec.codes ?? 0) : undefined;
  const codeDimension = spec.codeDimension ?? natural ?? dimension / heads;
  if (!Number.isSafeInteger(codeDimension) || codeDimension < 1) {
    throw new DdclError(
      'argument',
      kind === 'lfq'
        ? `lfq takes a number of codes that is a power of two >= 2, but got ${String(spec.codes)}.`
        : kind === 'fsq'
          ? 'fsq takes levels, a list of how many values each component takes, such as [8, 5, 5, 5].'
          : `${dimension} components cannot be cut into ${heads} heads of equal width. Give a number of heads that divides them, or a codeDimension.`,
    );
  }
  if (natural !== undefined && natural !== codeDimension) {
    throw new DdclError(
      'argument',
      `codeDimension follows from the ${kind === 'fsq' ? 'levels' : 'codes'} of ${kind}: it is ${natural}, not ${codeDimension}. Leave it out.`,
    );
  }
  for (const each of levels) requireWhole('Each of levels', each, 2, mostNumber);
  const codes = kind === 'fsq' ? levels.reduce((product, each) => product * each, 1) : spec.codes;
  if (kind !== 'fsq') requireWhole('codes', codes, 2);
  if (codes! > mostNumber) {
    throw new DdclError(
      'argument',
      `A codebook has at most ${mostNumber} codes, what an index of 32 bits tells apart, but ${codes} were asked for. Share the components among several heads.`,
    );
  }
  if (kind === 'fsq' && spec.variant !== 'symmetric' && levels.includes(2)) {
    throw new DdclError(
      'argument',
      "Two levels of a component need the variant 'symmetric': the bounded one has the values -1 and 0 there.",
    );
  }
  if (codes! * codeDimension > mostNumber && kind !== 'fsq' && kind !== 'lfq')
    throw new DdclError(
      'argument',
      `A codebook of ${codes} codes of ${codeDimension} numbers is too large: at most ${mostNumber} numbers fit.`,
    );
  const isShare = (value: number): boolean => value >= 0 && value < 1;
  requireNumber('decay', decay, isShare, 'a number from 0 to below 1');
  requireNumber('tracking', tracking, isShare, 'a number from 0 to below 1');
  const { codeWeight = codeWeights[kind] ?? 0, commitment = withoutCommitment.includes(kind) ? 0 : 0.25 } = spec;
  const { reviveBelow = 0, lqWeight = 1, entropyWeight = 0.1, diversity = 1, simplexWeight = 1 } = spec;
  const { inverseTemperature = 1, neighbours = 1 } = spec;
  const weights = { codeWeight, commitment, reviveBelow, lqWeight, entropyWeight, diversity, simplexWeight };
  for (const [name, value] of Object.entries(weights)) requireNumber(name, value, (each) => each >= 0, 'a number >= 0');
  requireNumber('inverseTemperature', inverseTemperature, (value) => value > 0, 'a number > 0');
  requireWhole('neighbours', neighbours, 1);
  oneOf('norm', spec.norm, ['none', 'scale']);
  oneOf('projection', spec.projection, ['learned', 'principal']);
  oneOf('estimator', spec.estimator, ['straight-through', 'rotation']);
  oneOf('variant', spec.variant, ['bounded', 'symmetric']);
  return {
    kind,
    dimension,
    codes: codes!,
    levels,
    heads,
    sharedHeads: spec.sharedHeads ?? false,
    depth,
    sharedDepth: spec.sharedDepth ?? false,
    codeDimension,
    projected:
      codeDimension * heads !== dimension || spec.codeDimension !== undefined || spec.projection === 'principal',
    projection: spec.projection ?? 'learned',
    norm: spec.norm ?? 'none',
    frozen: spec.frozen ?? false,
    stochastic: spec.stochastic ?? false,
    codeWeight,
    commitment,
    decay,
    reviveBelow,
    estimator: spec.estimator ?? 'straight-through',
    lqWeight,
    lqThrough: spec.lqThrough ?? false,
    tracking,
    variant: spec.variant ?? 'bounded',
    entropyWeight,
    diversity,
    inverseTemperature,
    hardOutput: spec.hardOutput ?? false,
    neighbours,
    simplexWeight,
  };
}

function oneOf(name: string, value: string | undefined, wanted: readonly string[]): void {
  requireArgument(name, value, value === undefined || wanted.includes(value), `one of ${wanted.join(', ')}`);
}
