import { DdclError, type FloatDType } from '@ddcl/core';
import { InvalidArgumentError, Option } from 'commander';
import { backendNames, isBackend } from '../backends/backends.ts';

/** A whole number >= `least`, or commander's complaint (exit status 2). */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text.trim()) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number >= ${least}.`);
  };
}

/** A finite number. */
export function anyNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}

/** A finite number > 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (value > 0 && value < Infinity) return value;
  throw new InvalidArgumentError('Expected a number > 0.');
}

/** `auto` or a number; its range is checked against the data later. */
export function temperatureChoice(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected 'auto' or a number.");
}

/** `a,b,c` as a list of names without empty ones. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  throw new InvalidArgumentError('Expected names separated by commas.');
}

export const backendOption = (): Option =>
  new Option(
    '--backend <name>',
    'where the arithmetic runs: cpu, or ort (ONNX Runtime; ort:cuda,cpu for execution providers in your order)',
  )
    .default('cpu')
    .argParser((text: string) => {
      if (isBackend(text)) return text;
      throw new InvalidArgumentError(
        `This version has: ${backendNames.join(', ')} ('ddcl doctor' says which run here).`,
      );
    });

export const dtypeOption = (note = ''): Option =>
  new Option('--dtype <dtype>', `precision of the arithmetic${note}`).choices(['float32', 'float64']);

export const seedOption = (): Option =>
  new Option('--seed <number>', 'seed of everything random; equal seeds give equal bytes')
    .default(0)
    .argParser(wholeNumber(0));

/** Options that say which numbers of a file make a token. */
export interface DataOptions {
  readonly columns?: string[];
  readonly tensor?: string;
  readonly labels?: string;
}

/** @throws DdclError `unsupported` if the backend lacks the dtype */
export function requireDType(
  dtype: FloatDType,
  backend: { readonly name: string; readonly capabilities: { readonly dtypes: readonly string[] } },
): void {
  if (backend.capabilities.dtypes.includes(dtype)) return;
  throw new DdclError(
    'unsupported',
    `The backend ${backend.name} has no ${dtype}; it has ${backend.capabilities.dtypes.join(', ')}.`,
  );
}
