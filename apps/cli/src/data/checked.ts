import { DdclError } from '@ddcl/core';
import * as v from 'valibot';

/** A whole number in `least..most`. */
export const whole = (least = 0, most: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));

export const finite: v.GenericSchema<number> = v.pipe(v.number(), v.finite());

/** In 0..1. */
export const share: v.GenericSchema<number> = v.pipe(finite, v.minValue(0), v.maxValue(1));

/** Names that the library passes over in records, with whatever stands there. */
const passedOver: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The first of these names in a value, at any depth. */
function passedOverIn(value: unknown): string | undefined {
  for (const waiting = [value]; waiting.length > 0;) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (passedOver.has(key)) return key;
      waiting.push(inner);
    }
  }
  return undefined;
}

/** What is wrong with a value, with its place in it: `data.tokens: expected a whole number ...`; undefined where nothing is. */
export function problemWith(schema: v.GenericSchema<unknown, unknown>, value: unknown): string | undefined {
  const name = passedOverIn(value);
  if (name !== undefined) return `it has the name ${JSON.stringify(name)}, which is not allowed`;
  const { issues } = v.safeParse(schema, value, { abortEarly: true });
  if (issues === undefined) return undefined;
  const [{ path, message, received }] = issues;
  const place = shortened(path?.map(({ key }) => String(key)).join('.') ?? '', 80);
  if (received === 'undefined') return `it lacks ${place}`;
  // The library quotes what it was given at any length.
  const text = shortened(message, 160);
  return place === '' ? text : `${place}: ${text}`;
}

const shortened = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}...` : text);

/**
 * A value that came from a file, if it is as the schema says: checked once, where it comes in.
 *
 * @param file names what it is from in the message
 * @throws DdclError `format` that names the first place that is not right
 */
export function checked<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
  file: string,
  remedy: string,
): Output {
  const problem = problemWith(schema, value);
  if (problem === undefined) return value as Output;
  throw new DdclError('format', `${file} is not as it must be: ${problem}. ${remedy}`);
}
