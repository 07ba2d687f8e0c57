import { DdclError } from '@ddcl/core';
import { expect, it } from 'vitest';
import { withIdWords } from '../../src/tokens/row-ids.ts';

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
