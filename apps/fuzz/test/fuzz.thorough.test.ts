import { it } from 'vitest';
import { expectNoFindings, namesOf } from './run-fuzz.ts';

it('finds nothing in 20,000 inputs of each reader in memory', () => expectNoFindings(namesOf(false), 20_000, 2));
it('finds nothing in 2,000 inputs of each reader of the disk', () => expectNoFindings(namesOf(true), 2000, 2), 600_000);
