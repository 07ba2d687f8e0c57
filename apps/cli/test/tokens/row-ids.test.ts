import { DdclError } from '@ddcl/core';
import { expect, it } from 'vitest';
import { idColumns, withIdWords } from '../../src/tokens/row-ids.ts';

it.each([
  [
    'labels/labels.csv: --labels "nope" is neither a column nor a file. Choose a label of: label.txt, "label".',
    'labels/labels.csv: --id "nope" is neither a column nor a file. Choose an id of: label.txt, "label".',
  ],
  [
    "Token shards have their own labels, if they were made with 'ddcl encode-tokens --labels'. Leave --labels out.",
    'Token shards keep no ids: their rows are in the order of the texts that they were made of. Leave --id out, or give the texts by --text.',
  ],
  [
    'x.jsonl line 3: the label is missing. Give every row a label.',
    'x.jsonl line 3: the id is missing. Give every row an id.',
  ],
])('a message about labels speaks of ids, and leaves names alone', async (told, wanted) => {
  const failing = (): Promise<never> => Promise.reject(new DdclError('data', told));
  await expect(withIdWords('nope', failing)).rejects.toThrow(wanted);
  await expect(withIdWords(undefined, failing)).rejects.toThrow(told);
});

it('counts the tokens of each document from 0', () => {
  const ofRow = (): Int32Array => Int32Array.of(0, 0, 0, 1, 3, 3);
  const documents = { mode: 'tokens', labels: ['a', 'b', 'c', 'd'], ofRow } as unknown as Parameters<
    typeof idColumns
  >[1];
  const columns = idColumns(['a', 'a', 'a', 'b', 'd', 'd'], documents, false);
  const rows = [0, 1, 2, 3, 4, 5].map((row) => columns.map(({ at }) => at(row)));
  expect(columns.map(({ name }) => name)).toEqual(['id', 'token']);
  expect(rows).toEqual([
    ['a', 0],
    ['a', 1],
    ['a', 2],
    ['b', 0],
    ['d', 0],
    ['d', 1],
  ]);
});
