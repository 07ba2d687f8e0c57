import type { Random } from '@ddcl/core';
import { longLength, oneOf, type Mutation } from './mutation.ts';

const numbers = [
  '',
  '0',
  '-0',
  '1e308',
  '1e309',
  '-1e-400',
  '3.5e38',
  '0x10',
  'NaN',
  'Infinity',
  '1_000',
  '١',
  '.',
  '-',
  '1.2.3',
  '9007199254740993',
];
const pieces = [
  '"',
  '""',
  ',',
  '\t',
  ';',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\\',
  '\\u0000',
  '<',
  '<!--',
  '<script',
  '&amp;',
  '[',
  ']',
  '{',
  '}',
  ':',
  ' ',
  '\u2028',
  '\ufeff',
  '\u202e',
  '\u009b',
  '\ud83d',
  'é',
];
const repeated = [
  '1',
  '9',
  '"',
  '[',
  '{"a":',
  '<',
  '<a ',
  '&',
  ' ',
  '\n',
  '\t',
  ',',
  '-',
  '.',
  '0.',
  'e',
  '\\',
  'a',
  '\ud83d\ude00',
  '<!-- ',
  '\r',
];

const span = (text: string, random: Random): [number, number] => {
  const start = random.integer(text.length + 1);
  return [start, Math.min(text.length, start + random.integer(12))];
};

const replaced = (text: string, [start, end]: readonly [number, number], piece: string): string =>
  text.slice(0, start) + piece + text.slice(end);

type TextMutation = (text: string, random: Random) => string;

/** A number somewhere becomes another one. */
const swapNumber: TextMutation = (text, random) => {
  const found = [...text.slice(0, 20_000).matchAll(/[-+]?\d[\d.eE+-]*/g)];
  if (found.length === 0) return text;
  const { index, 0: number } = oneOf(found, random);
  return replaced(text, [index, index + number.length], oneOf(numbers, random));
};

const explode: TextMutation = (text, random) => {
  const [start] = span(text, random);
  return replaced(text, [start, start], oneOf(repeated, random).repeat(longLength(random)));
};

const insertPiece: TextMutation = (text, random) => replaced(text, span(text, random), oneOf(pieces, random));

/** A line comes twice, goes, or changes places. */
const moveLine: TextMutation = (text, random) => {
  const lines = text.split('\n');
  const [line] = lines.splice(random.integer(lines.length), 1);
  const times = random.integer(3);
  lines.splice(random.integer(lines.length + 1), 0, ...Array<string>(times).fill(line!));
  return lines.join('\n');
};

const all = [swapNumber, swapNumber, explode, insertPiece, insertPiece, moveLine];

/** Damage of a text as {@link Mutation}s know it: numbers, quotes, separators, lines. */
export const changeText: TextMutation = (text, random) => oneOf(all, random)(text, random);

export const mutateText: Mutation = (bytes, random) =>
  new TextEncoder().encode(changeText(new TextDecoder().decode(bytes), random));
