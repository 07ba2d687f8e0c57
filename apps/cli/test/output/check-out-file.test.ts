import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkOutFile } from '../../src/output/check-out-file.ts';
import { ddcl, testFolder } from '../commands/support.ts';

const folder = testFolder();
folder.write('data.npy', 'numbers');
folder.write('text.jsonl', '{"text":"a","label":"b"}\n');
mkdirSync(folder.at('shards'));
folder.write('shards/tokens-00000.safetensors', 'tokens');
folder.write('shards/notes.md', 'a table');
symlinkSync(folder.at('data.npy'), folder.at('link.npy'));
symlinkSync(folder.at('shards'), folder.at('linked-shards'));
linkSync(folder.at('data.npy'), folder.at('twin.npy'));

const refusal = (out: string, ending: string | undefined, inputs: readonly (string | undefined)[]): Promise<string> =>
  checkOutFile(
    '--out',
    folder.at(out),
    ending,
    inputs.map((input) => input && folder.at(input)),
  ).then(
    () => '',
    (error: Error) => error.message,
  );

describe('checkOutFile', () => {
  it.each([
    ['the input itself', 'data.npy', 'data.npy'],
    ['a link to it as input', 'data.npy', 'link.npy'],
    ['a link to it as output', 'link.npy', 'data.npy'],
    ['a second name of the same file', 'data.npy', 'twin.npy'],
    ['another spelling', 'data.npy', 'shards/../data.npy'],
    ['a shard of a folder', 'shards/tokens-00000.safetensors', 'shards'],
    ['a shard of a linked folder', 'shards/tokens-00000.safetensors', 'linked-shards'],
    ['a shard through a linked folder', 'linked-shards/tokens-00000.safetensors', 'shards'],
  ])('refuses %s', async (_, out, input) => {
    expect(await refusal(out, undefined, [undefined, 'elsewhere', input])).toMatch(
      /is also read, and would be overwritten\. Give another --out FILE/,
    );
  });

  it.each([
    ['a new file', 'new.npy', 'data.npy'],
    ['a new file in a folder that is read', 'shards/new.npy', 'shards'],
    ['an earlier table there', 'shards/notes.md', 'shards'],
    ['another file', 'data.npy', 'text.jsonl'],
  ])('takes %s', async (_, out, input) => {
    expect(await refusal(out, undefined, [input, undefined])).toBe('');
  });

  it('refuses a folder, a missing folder and another ending', async () => {
    expect(await refusal('shards', undefined, [])).toMatch(/is a folder/);
    expect(await refusal('none/new.npy', '.npy', [])).toMatch(/There is no folder/);
    expect(await refusal('new.txt', '.npy', [])).toMatch(/does not end in \.npy/);
  });
});

describe('ddcl compare', () => {
  it.each(['--out', '--resume'])('does not write %s over what it reads, and says so at once', async (option) => {
    const text = folder.at('text.jsonl');
    const { status, stderr } = await ddcl([
      'compare',
      '--train',
      text,
      '--test',
      text,
      '--labels',
      'label',
      '--encoder',
      'none',
      option,
      text,
    ]);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`${text} is also read, and would be overwritten`)]);
    expect(folder.read('text.jsonl').toString()).toBe('{"text":"a","label":"b"}\n');
  });
});
