import { DdclError } from '../errors/ddcl-error.ts';
import { hasLoneSurrogate } from './text.ts';

/**
 * `JSON.parse` for untrusted headers, refusing what it would let pass: a key twice in one object (the last would
 * win, silently), the key `__proto__`, numbers other than plain non-negative integers, and texts with half
 * a surrogate pair.
 *
 * @throws DdclError `format` for all of these and for text that is not JSON.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DdclError('format', `The header is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}.`, {
      cause,
    });
  }
  checkTokens(text);
  return value;
}

/** Walks over a text that is known to be JSON. No regular expression for texts: a long one could exhaust its stack. */
function checkTokens(text: string): void {
  // One set of keys per open object, undefined per open array.
  const open: (Set<string> | undefined)[] = [];
  let keyComes = false;
  let position = 0;
  while (position < text.length) {
    const start = position;
    const character = text.charAt(start);
    position += 1;
    if (character === '"') {
      position = endOfText(text, start);
      const content = JSON.parse(text.slice(start, position)) as string;
      if (hasLoneSurrogate(content)) {
        throw new DdclError('format', `The header text ${short(text.slice(start, position))} is not valid Unicode.`);
      }
      if (keyComes) addKey(open.at(-1) as Set<string>, content);
      keyComes = false;
    } else if (character === '{') {
      open.push(new Set());
      keyComes = true;
    } else if (character === '[') {
      open.push(undefined);
    } else if (character === '}' || character === ']') {
      open.pop();
      keyComes = false;
    } else if (character === ',') {
      keyComes = open.at(-1) !== undefined;
    } else if (character === '-' || isDigit(character)) {
      while (/[0-9.eE+-]/.test(text.charAt(position))) position += 1;
      const number = text.slice(start, position);
      if (!/^[0-9]+$/.test(number)) {
        throw new DdclError(
          'format',
          `Numbers in the header must be non-negative integers, but it holds ${short(number)}.`,
        );
      }
    }
  }
}

/** Position after the closing quote of the text that starts at `start`. */
function endOfText(text: string, start: number): number {
  let position = start + 1;
  while (text.charAt(position) !== '"') position += text.charAt(position) === '\\' ? 2 : 1;
  return position + 1;
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function addKey(keys: Set<string>, key: string): void {
  if (key === '__proto__') throw new DdclError('format', 'The header has the key "__proto__", which is not allowed.');
  if (keys.has(key))
    throw new DdclError('format', `The header has the key ${short(JSON.stringify(key))} twice in one object.`);
  keys.add(key);
}

const short = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}...` : text);
