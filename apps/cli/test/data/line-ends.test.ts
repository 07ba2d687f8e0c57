import { createRandom } from '@ddcl/core';
import { expect, it } from 'vitest';
import { recordEnds } from '../../src/data/line-ends.ts';

/** One character after the other, as RFC 4180 reads a file. */
function slowly(text: string): string {
  let made = '';
  let state: 'start' | 'plain' | 'quoted' | 'ended' = 'start';
  for (let at = 0; at < text.length; at++) {
    const own = text[at]!;
    if (state === 'quoted') {
      made += own;
      if (own === '"') state = 'ended';
      continue;
    }
    if (own === '"' && (state === 'ended' || state === 'start')) {
      state = 'quoted';
      made += own;
      continue;
    }
    if (own === '\r') {
      if (text[at + 1] === '\n') at++;
      made += '\n';
    } else made += own;
    state = own === ',' || own === '\n' || own === '\r' ? 'start' : 'plain';
  }
  return made;
}

it('unifies line ends outside of quoted cells alone, however the text is cut', () => {
  const random = createRandom(8);
  const parts = ['"', '"', '""', ',', '\r\n', '\r', '\n', 'a', ' '];
  for (let round = 0; round < 400; round++) {
    const text = Array.from({ length: 1 + random.integer(24) }, () => parts[random.integer(parts.length)]).join('');
    const unify = recordEnds(',');
    let made = '';
    for (let from = 0; from < text.length;) {
      let to = Math.min(text.length, from + random.integer(5));
      // No piece ends within a line end.
      if (text[to - 1] === '\r' && text[to] === '\n') to++;
      made += unify(text.slice(from, to));
      from = to;
    }
    expect(made, JSON.stringify(text)).toBe(slowly(text));
  }
});
