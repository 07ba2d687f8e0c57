import type { TypedArray } from './dtype.ts';
import type { Instruction, Program } from './program.ts';
import { formatType } from './tensor-type.ts';

/** Attributes as text: keys sorted, typed arrays as their elements. */
export function attributesKey(attributes: object): string {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => `${name}=${valueKey(value)}`).join(',');
}

function valueKey(value: unknown): string {
  if (ArrayBuffer.isView(value)) return Array.from(value as TypedArray, numberKey).join(' ');
  if (typeof value === 'number') return numberKey(value);
  return JSON.stringify(value);
}

/** A number as text that tells -0 from 0: they are different constants. */
export function numberKey(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What an instruction computes, as text: equal keys in one program mean equal values. */
export function instructionKey(instruction: Instruction): string {
  const own = `${instruction.inputs.join(' ')};${attributesKey(instruction.attributes)}`;
  if (instruction.op !== 'composite') return `${instruction.op}:${own}`;
  const gradient = instruction.gradient === undefined ? '' : programKey(instruction.gradient);
  return `composite ${instruction.name}:${own};${programKey(instruction.decomposition)};${gradient}`;
}

const keys = new WeakMap<Program, string>();

/** A text that two programs share exactly when they are structurally equal; names do not count. For caches. */
export function programKey(program: Program): string {
  let key = keys.get(program);
  if (key === undefined) {
    key = [
      program.parameters.map(formatType).join(' '),
      ...program.instructions.map(instructionKey),
      `-> ${program.results.join(' ')}`,
    ].join('\n');
    keys.set(program, key);
  }
  return key;
}

/** Whether two programs have the same parameters, instructions and results. */
export function equalPrograms(a: Program, b: Program): boolean {
  return a === b || programKey(a) === programKey(b);
}
