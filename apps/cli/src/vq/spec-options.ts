import { Option, type Command } from 'commander';
import { quantizerKinds, resolveSpec, type QuantizerKind, type QuantizerSpec } from '@ddcl/vq';
import { numberList, positiveNumber, wholeNumber } from '../command-line/options.ts';
import { usageError } from '../output/usage-error.ts';

/** Options that say how vectors become codes, whatever the kind. */
export interface StructureOptions {
  readonly heads?: number;
  readonly groups?: number;
  readonly sharedHeads?: boolean;
  readonly depth?: number;
  readonly sharedDepth?: boolean;
  readonly codeDimension?: number;
  readonly rotate?: boolean;
}

/** Options that say what a quantizer is. */
export interface SpecOptions extends StructureOptions {
  readonly quantizer: QuantizerKind;
  readonly codes?: number;
  readonly levels?: number[];
  readonly reviveBelow?: number;
}

const levels = numberList((value) => Number.isSafeInteger(value) && value >= 2, 'whole numbers >= 2');

/** Adds the options of {@link StructureOptions}. */
export function addStructureOptions(command: Command): Command {
  return command
    .option(
      '--groups <G>',
      'cut each vector into G pieces with a codebook each: product quantization; --heads is the same',
      wholeNumber(1),
    )
    .addOption(new Option('--heads <H>', 'the same as --groups').argParser(wholeNumber(1)).hideHelp())
    .option('--shared-heads', 'one codebook for all groups')
    .option('--depth <D>', 'residual levels, each for what the ones before left', wholeNumber(1))
    .option('--shared-depth', 'one codebook for all levels')
    .option('--code-dimension <c>', "width of a group's codes, with learned projections to and from it", wholeNumber(1))
    .option(
      '--rotate',
      'turn vectors to their principal components first, dealt out evenly among the groups: less error for the same bytes',
    );
}

/** Adds the options of {@link SpecOptions} to a command. */
export function addSpecOptions(command: Command): Command {
  command
    .option('--codes <K>', 'codes of each codebook (required, but for fsq)', wholeNumber(2))
    .addOption(new Option('--quantizer <kind>', 'how codes are learned').choices(quantizerKinds).default('ddcl'))
    .option('--levels <list>', 'of fsq: how many values each component of a code takes, such as 8,5,5,5', levels);
  return addStructureOptions(command).option(
    '--revive-below <share>',
    'move a code that is used by less than this share of 1 / K, where the kind can (default: never)',
    positiveNumber,
  );
}

/** @throws DdclError `argument` for --heads beside another --groups */
function structureOf({ heads, groups, codeDimension, rotate, ...rest }: StructureOptions): Partial<QuantizerSpec> {
  if (heads !== undefined && groups !== undefined && heads !== groups)
    throw usageError(`--heads ${heads} and --groups ${groups} are the same option. Give one of them.`);
  const count = heads ?? groups;
  const { sharedHeads, depth, sharedDepth } = rest;
  const given = {
    heads: count,
    sharedHeads,
    depth,
    sharedDepth,
    codeDimension,
    projection: rotate ? 'principal' : undefined,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/**
 * The spec that options ask for on vectors of a dimension.
 *
 * @throws DdclError `argument` naming the option
 */
export function specOf(options: SpecOptions & { readonly dimension: number }): QuantizerSpec {
  const { quantizer: kind, codes, levels: values, reviveBelow, dimension } = options;
  if (kind === 'fsq' ? values === undefined : codes === undefined) {
    throw usageError(
      kind === 'fsq'
        ? 'fsq has values per component instead of codes. Give --levels, such as 8,5,5,5.'
        : `${kind} needs the number of its codes. Give --codes K.`,
    );
  }
  const spec: QuantizerSpec = {
    kind,
    dimension,
    ...structureOf(options),
    ...(codes !== undefined && { codes }),
    ...(values !== undefined && { levels: values }),
    ...(reviveBelow !== undefined && { reviveBelow }),
  };
  resolveSpec(spec);
  return spec;
}
