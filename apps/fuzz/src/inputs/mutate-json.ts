import type { Random } from '@ddcl/core';
import { longLength, oneIn, oneOf, type Mutation } from './mutation.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'length',
  'valueOf',
  'a\u0000',
  '\u001b[2J',
];

const values: readonly ((random: Random) => Json)[] = [
  () => null,
  () => true,
  () => false,
  () => '',
  () => [],
  () => ({}),
  (random) => oneOf([0, -1, 1, 0.5, -0.5, 3002, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, 1e-320, 65_536], random),
  (random) => oneOf([...names, 'NaN', '1', '-1', 'float64', '../x', '/etc/passwd'], random),
  (random) => 'x'.repeat(longLength(random)),
  (random) => Array.from({ length: random.integer(20) }, () => random.integer(10) - 1),
  (random) => nested(random.integer(200)),
  () => ({ constructor: 1, toString: 'x' }),
];

const nested = (depth: number): Json => Array.from({ length: depth }).reduce<Json>((inner) => [inner], 0);

/** A place in a value: what holds it, and under which key. */
interface Place {
  readonly holder: { [key: string]: Json };
  readonly key: string;
}

/** All places, those deep inside too; at most as many as are worth a look. */
function placesOf(value: Json, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  for (const key of Object.keys(value)) {
    if (places.length > 2000) break;
    const holder = value as { [key: string]: Json };
    places.push({ holder, key });
    placesOf(holder[key]!, places);
  }
  return places;
}

const set = ({ holder, key }: Place, value: Json): void =>
  // `__proto__` as a name like others.
  void Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true });

/** Changes one value, name or text somewhere in a JSON value. Texts that are JSON themselves are changed inside. */
export function changeJson(value: Json, random: Random, changeText?: (text: string, random: Random) => string): Json {
  const root: { [key: string]: Json } = { root: structuredClone(value) };
  const places = placesOf(root);
  const place = oneOf(places.length > 1 ? places.slice(1) : places, random);
  const { holder, key } = place;
  const now = holder[key]!;
  const kind = random.integer(10);
  if (typeof now === 'string' && kind < 6) {
    if (/^[[{]/.test(now)) {
      try {
        set(place, JSON.stringify(changeJson(JSON.parse(now) as Json, random, changeText)));
        return root['root']!;
      } catch {
        // A text like others.
      }
    }
    if (changeText !== undefined) set(place, changeText(now, random));
    else set(place, oneOf(values, random)(random));
  } else if (typeof now === 'number' && kind < 4)
    set(place, oneOf([now + 1, now - 1, -now, now * 2, now + 0.5, 1 / now], random));
  else if (kind < 6 || place.key === 'root') set(place, oneOf(values, random)(random));
  else if (kind === 6 && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (kind === 6) delete holder[key];
  else if (kind === 7) set({ holder, key: Array.isArray(holder) ? String(holder.length) : oneOf(names, random) }, now);
  else if (kind === 8)
    set(place, oneOf(places, random).holder === holder ? [now] : structuredClone(oneOf(places, random).holder));
  else {
    const other = oneOf(places, random);
    const value = structuredClone(other.holder[other.key] ?? null);
    set(place, value);
  }
  return root['root']!;
}

/** Of a JSON file, or of one line of a file with a JSON value on each. */
export const mutateJson: Mutation = (bytes, random) => {
  const text = new TextDecoder().decode(bytes);
  const lines = text.includes('\n{') ? text.split('\n') : [text];
  const at = random.integer(lines.length);
  try {
    lines[at] = JSON.stringify(changeJson(JSON.parse(lines[at]!) as Json, random));
  } catch {
    return bytes;
  }
  // A name that comes twice, which no JSON value has.
  if (oneIn(20, random)) lines[at] = lines[at]!.replace(/^\{("[^"]*":[^,{[]*),/, '{$1,$1,');
  return new TextEncoder().encode(lines.join('\n'));
};
