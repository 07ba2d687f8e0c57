import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openText } from '../../src/text/open-text.ts';

const data = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');

async function counts(path: string, textField: string): Promise<[number, number, Record<string, number>]> {
  const { count, empty, labels } = await openText([join(data, path)], { textField, labels: 'label' });
  const found: Record<string, number> = {};
  for (const label of labels!) found[label] = (found[label] ?? 0) + 1;
  return [count, empty, found];
}

it.each([
  ['sst2/sentences_train.tsv.gz', 'sentence', 6920, 0, { 0: 3310, 1: 3610 }],
  ['sst2/sentences_test.tsv.gz', 'sentence', 1821, 0, { 0: 912, 1: 909 }],
  ['sst2/glue_train.tsv.gz', 'sentence', 67349, 0, { 0: 29780, 1: 37569 }],
  ['imdb/train_5k.jsonl.gz', 'text', 5000, 0, { 0: 2500, 1: 2500 }],
  ['imdb/test_5k.jsonl.gz', 'text', 5000, 0, { 0: 2500, 1: 2500 }],
])('%s has the documents and labels that its README tells', async (path, field, documents, empty, labels) => {
  expect(await counts(path, field)).toEqual([documents, empty, labels]);
});

it('20 Newsgroups has its documents in all classes, and the empty ones', async () => {
  const train = '480 584 591 590 578 593 585 594 598 597 600 595 591 594 593 599 546 564 465 377'.split(' ');
  const [documents, empty, labels] = await counts('newsgroups20/train.jsonl.gz', 'text');
  expect([documents, empty]).toEqual([11314, 24]);
  expect(labels).toEqual(Object.fromEntries(train.map((count, label) => [label, Number(count)])));
  expect((await counts('newsgroups20/test.jsonl.gz', 'text')).slice(0, 2)).toEqual([7532, 25]);
});
