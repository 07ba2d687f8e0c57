import { it } from 'vitest';
import { readerNames } from '../src/readers/readers.ts';
import { expectNoFindings } from './run-fuzz.ts';

it('finds nothing in 20,000 inputs of each reader in memory', () => expectNoFindings(readerNames(false), 20_000, 2));
// Opening and unpacking a file takes 7 ms where an input in memory takes a third of one.
it(
  'finds nothing in 200 inputs of each reader of the disk',
  () => expectNoFindings(readerNames(true), 200, 2),
  600_000,
);
