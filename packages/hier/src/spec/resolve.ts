import { DdclError } from '@ddcl/core';
import { requireArgument, requireKnown, requireNumber, requireObject, requireWhole } from '../checks/require.ts';
import type { EncoderIdentity, HierarchySpec, LevelSpec, Passed, PassSpec } from './spec.ts';

/** A level with its defaults. */
export interface ResolvedLevel {
  readonly name: string;
  readonly prototypes: number;
  readonly temperature: NonNullable<LevelSpec['temperature']>;
  readonly weight: number;
  readonly rate: number | undefined;
  /** Numbers of an item. */
  readonly width: number;
  /** What it hands on; left out for the last. */
  readonly up: ResolvedPass | undefined;
}

export interface ResolvedPass {
  readonly group: string;
  readonly what: Passed;
  /** Numbers of a group before projection. */
  readonly numbers: number;
  /** Principal components that are kept; `undefined` for all numbers as they are. */
  readonly project: number | undefined;
  readonly normalize: boolean;
}

/** Components that are kept of what a level passes. */
const defaultComponents = 64;
const passed: readonly Passed[] = ['residuals', 'summaries', 'pooled', 'occupancy'];
const levelNames = ['name', 'prototypes', 'temperature', 'weight', 'rate', 'group', 'pass'];
/** The group that every document is. */
export const wholeDocument = 'document';

/** @throws DdclError `argument` for a spec that cannot be, naming the level and what was expected */
export function resolveSpec(spec: HierarchySpec): readonly ResolvedLevel[] {
  requireObject('The spec', spec, 'an object { levels, dimension }');
  requireKnown('The spec', spec, ['levels', 'dimension', 'encoder']);
  const { levels, dimension, encoder } = spec;
  requireWhole('dimension', dimension, 1);
  if (encoder !== undefined) requireEncoder(encoder);
  requireArgument('levels', levels, Array.isArray(levels) && levels.length > 0, 'a list of at least one level');
  const resolved: ResolvedLevel[] = [];
  let width = dimension;
  for (const [index, level] of levels.entries()) {
    const isLast = index === levels.length - 1;
    requireObject(`Level ${index + 1}`, level, 'an object with the number of its prototypes');
    requireKnown(`Level ${index + 1}`, level, levelNames);
    const name = level.name ?? (isLast ? wholeDocument : index === 0 ? 'token' : `level ${index + 1}`);
    requireArgument(`The name of level ${index + 1}`, name, typeof name === 'string' && name !== '', 'a text');
    if (resolved.some((other) => other.name === name))
      throw new DdclError('argument', `Two levels are named '${name}'. Give each its own name.`);
    requireWhole(`prototypes of level '${name}'`, level.prototypes, 1);
    const { prototypes, temperature = 'auto', weight = 1, rate } = level;
    requireNumber(`weight of level '${name}'`, weight, (value) => value > 0, 'a number > 0');
    if (rate !== undefined)
      requireNumber(`rate of level '${name}'`, rate, (value) => value > 0 && value <= 1, 'a number > 0 and <= 1');
    if (isLast && (level.group !== undefined || level.pass !== undefined)) {
      throw new DdclError(
        'argument',
        `Level '${name}' is the last, so it passes nothing on, but it has ${level.group === undefined ? 'pass' : 'group'}. Leave that out, or add a level.`,
      );
    }
    const up = isLast
      ? undefined
      : resolvePass(name, level.group ?? wholeDocument, level.pass ?? {}, prototypes, width);
    resolved.push({ name, prototypes, temperature, weight, rate, width, up });
    if (up !== undefined) width = up.project ?? up.numbers;
  }
  return resolved;
}

function resolvePass(level: string, group: string, pass: PassSpec, count: number, width: number): ResolvedPass {
  requireArgument(`group of level '${level}'`, group, typeof group === 'string' && group !== '', 'a name');
  requireObject(`pass of level '${level}'`, pass, 'an object { what, project, normalize }');
  requireKnown(`pass of level '${level}'`, pass, ['what', 'project', 'normalize']);
  const { what = 'residuals' } = pass;
  requireArgument(`pass.what of level '${level}'`, what, passed.includes(what), passed.join(', '));
  const residuals = (count > 1 ? count + 1 : 1) * width;
  const numbers = { residuals, summaries: count * width, pooled: width, occupancy: count }[what];
  const isWide = what === 'residuals' || what === 'summaries';
  const { normalize = isWide, project = isWide && numbers > defaultComponents ? defaultComponents : null } = pass;
  requireArgument(`pass.normalize of level '${level}'`, normalize, typeof normalize === 'boolean', 'true or false');
  if (project === null) return { group, what, numbers, project: undefined, normalize };
  requireWhole(`pass.project of level '${level}'`, project, 1);
  if (project > numbers) {
    throw new DdclError(
      'argument',
      `pass.project of level '${level}' is ${project}, but a group has ${numbers} numbers. Give at most ${numbers}, or null for all as they are.`,
    );
  }
  return { group, what, numbers, project, normalize };
}

function requireEncoder(encoder: EncoderIdentity): void {
  requireObject('encoder', encoder, 'an object { name, hash }');
  for (const key of ['name', 'hash'] as const)
    requireArgument(`encoder.${key}`, encoder[key], typeof encoder[key] === 'string' && encoder[key] !== '', 'a text');
}
