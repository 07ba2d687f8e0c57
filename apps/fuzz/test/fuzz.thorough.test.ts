import { it } from 'vitest';
import { readerNames } from '../src/readers/readers.ts';
import { expectNoFindings } from './run-fuzz.ts';

it('finds nothing in 20,000 inputs of each reader in memory', () => expectNoFindings(readerNames(false), 20_000, 2));
// Opening and unpacking a file takes a millisecond, a tokenizer four, where an input in memory takes a fifth of one.
it(
  'finds nothing in 1,000 inputs of each reader of the disk',
  () => expectNoFindings(readerNames(true), 1000, 2),
  600_000,
);
