import { expect, test } from 'vitest';
import { findBadLine, unfinishedBytes } from '../../src/data/bad-line.ts';
import { textChunks } from '../../src/data/text-chunks.ts';
import { testFolder } from './support.ts';

const folder = testFolder();

/** Five line ends of all three kinds, characters of one to four bytes, and a legal U+FFFD; then a byte that is no UTF-8. */
const before = Buffer.from('a\r\né\n€ \ufffd\r\r\n𝄞x\n', 'utf8');
const text = Buffer.concat([before, Buffer.from('ß'), Buffer.from([0xe9, 0x20]), Buffer.from('\nlater\n')]);

const lineEnds = (bytes: Buffer): number => bytes.toString('utf8').match(/\r\n|\r|\n/g)?.length ?? 0;

test('the line is the same wherever the text is cut into pieces', () => {
  for (let cut = 0; cut <= before.length + 2; cut++) {
    const held = unfinishedBytes(text.subarray(0, cut));
    const line = 1 + lineEnds(text.subarray(0, cut - held.length));
    expect(findBadLine(held, text.subarray(cut), line), `cut at ${cut}`).toBe(6);
  }
});

test('a character that the end of the file cuts off is in the last line', () => {
  const cut = Buffer.from('one\ntwo €').subarray(0, -1);
  expect(findBadLine(unfinishedBytes(cut), new Uint8Array(0), 2)).toBe(2);
  expect(unfinishedBytes(cut)).toHaveLength(2);
});

test.each([
  ['a character cut by a piece of 256 KiB', 'é', 0],
  ['a line end of two bytes cut by it', '\r\n', 1],
])('%s: the right line of a whole file is named', async (_, cut, more) => {
  const filler = `${'x'.repeat(99)}\n`.repeat(2622).slice(0, (1 << 18) - 1);
  const lines = 1 + lineEnds(Buffer.from(filler));
  const bytes = Buffer.concat([Buffer.from(`${filler}${cut}`), Buffer.from([0xff])]);
  const file = folder.write('x.txt', bytes);
  const reading = (async () => {
    for await (const _piece of textChunks(file, { gzipped: false }));
  })();
  await expect(reading).rejects.toThrow(`line ${lines + more} holds bytes that are not UTF-8 text`);
});
