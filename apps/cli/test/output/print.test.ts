import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DdclError } from '@ddcl/core';
import { printedTopics } from '../../src/hier/print-topics.ts';
import { reportError } from '../../src/output/errors.ts';
import { printable, printableName } from '../../src/output/print.ts';
import { formatPerClassTable } from '../../src/report/per-class-table.ts';
import { ddcl, testFolder } from '../commands/support.ts';

/** A title of the window, a cleared screen, C1's short form of it, a carriage return over the line, a backspace, and text from right to left. */
const hostile = '\u001b]0;x\u0007\u001b[2J\u009b2J\rok\b\u202egnp.exe\u2066\u200f\u007f\u061c\u2028';
// oxlint-disable-next-line no-control-regex
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

it('escapes what a terminal obeys, and nothing else', () => {
  expect(printable(hostile)).toBe(
    '\\u001b]0;x\\u0007\\u001b[2J\\u009b2J\\u000dok\\u0008\\u202egnp.exe\\u2066\\u200f\\u007f\\u061c\\u2028',
  );
  const harmless = 'a\tb\nÜ 你好 สวัสดี नमस्ते می‌خواهم 👩‍👩‍👧 שלום é';
  expect(printable(harmless)).toBe(harmless);
  expect(printableName('a\tb\nc')).toBe('a\\u0009b\\u000ac');
  for (let code = 0; code < 0x10000; code++) {
    const character = String.fromCharCode(code);
    expect(obeyed.test(printable(character)), code.toString(16)).toBe(false);
  }
});

it('leaves JSON the same values', () => {
  const value = { [hostile]: [hostile, 'é'] };
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
});

it('is in front of errors, tables and topics', () => {
  const written: string[] = [];
  const write = (text: string): void => void written.push(text);
  reportError(new DdclError('data', `${hostile}: wrong`), { write, debug: true });
  reportError(new Error(hostile), { write, debug: true });
  written.push(formatPerClassTable([{ label: `a\n${hostile}`, tokens: 1, prototype: 0, recall: 1 }]));
  const topic = { id: 0, size: 1, share: 1, words: [{ word: hostile }], npmi: NaN };
  const view = { topics: [topic], documents: 1, empty: 0, outliers: { ids: [] }, coherence: 0, diversity: 1 };
  written.push(printedTopics(view as unknown as Parameters<typeof printedTopics>[0]));
  for (const text of written) expect(text).not.toMatch(obeyed);
  expect(written.slice(0, 1).join('').split('\n')).toHaveLength(2);
  expect(written.join('')).toContain('\\u001b[2J');
});

it('is in front of what commands print: paths, columns, labels', async () => {
  const folder = testFolder();
  const name = `${hostile.replaceAll('/', '')}.csv`;
  folder.write(name, `"a${hostile}",b,label\n1,2,"${hostile}"\n3,4,"y${hostile}"\n5,6,y\n`);
  const fitted = await ddcl([
    'fit',
    folder.at(name),
    '--prototypes',
    '2',
    '--labels',
    'label',
    '--out',
    folder.at('model'),
  ]);
  const inspected = await ddcl(['inspect', folder.at('model')]);
  const asJson = await ddcl(['inspect', folder.at('model'), '--json']);
  const refused = await ddcl(['fit', folder.at(`no${name}`), '--prototypes', '2', '--out', folder.at('other')]);
  const asked = await ddcl(['fit', `--${hostile}`]);
  expect([fitted, inspected, asJson, refused, asked].map(({ status }) => status)).toEqual([0, 0, 0, 2, 2]);
  for (const { stdout, stderr } of [fitted, inspected, asJson, refused, asked])
    expect(stdout + stderr).not.toMatch(obeyed);
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    data: { columns: [`a${hostile}`.trim(), 'b'] },
  });
});

it('is the one way to the terminal', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const writers = files.filter((name) =>
    /std(out|err)\.write\(|console\./.test(readFileSync(join(source, name), 'utf8')),
  );
  // The printer itself, the one that hands on what reportError made, and what lets libraries write elsewhere.
  expect(writers.sort()).toEqual(['cli.ts', 'output/print.ts', 'output/stdout-on-stderr.ts']);
});
