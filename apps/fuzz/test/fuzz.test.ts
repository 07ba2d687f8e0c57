import { describe, expect, it } from 'vitest';
import { loadReader, readerNames } from '../src/readers/readers.ts';
import type { Replayed } from '../src/run/corpus.ts';
import { judge } from '../src/run/finding.ts';
import { inputMaker } from '../src/run/make-input.ts';
import { expectNoFindings, runFuzz } from './run-fuzz.ts';

describe('every reader', () => {
  it.each(readerNames())('%s reads its files that are right', async (name) => {
    const reader = await loadReader(name);
    const seeds = reader.seeds();
    expect(seeds.length).toBeGreaterThan(0);
    for (const bytes of seeds) expect(await judge(reader, Uint8Array.from(bytes))).toBe('accepted');
  });

  it.each(readerNames())('%s gets the same inputs for the same seed, in any order', async (name) => {
    const reader = await loadReader(name);
    const [one, other] = [inputMaker(reader, 7), inputMaker(reader, 7)];
    const numbers = [0, 1, 2, 3, 40, 41];
    const made = new Map(numbers.map((index) => [index, one(index)]));
    for (const index of numbers.reverse()) expect(other(index)).toEqual(made.get(index));
    expect(numbers.some((index) => Buffer.compare(inputMaker(reader, 8)(index), made.get(index)!) !== 0)).toBe(true);
  });
});

// A thread that has loaded its readers takes most of the time. 20,000 of each, and the readers of the disk, are in fuzz.thorough.test.ts: .ci/run has them.
it('finds nothing in a thousand inputs of each reader in memory', () => expectNoFindings(readerNames(false), 1000, 1));

it('reads all that ever failed as it must be', async () => {
  const { printed, status } = await runFuzz('--corpus');
  const replayed = printed as Replayed[];
  expect(replayed.filter(({ outcome }) => typeof outcome !== 'string')).toEqual([]);
  expect(status).toBe(0);
  expect(replayed.length).toBeGreaterThan(15);
});

describe('what is found', () => {
  it('is an error that is none of ours, and what reads differently; refusals are none', async () => {
    const reader = await loadReader('safetensors');
    const broken = { ...reader, read: () => JSON.parse('{') as unknown };
    expect(await judge(broken, new Uint8Array(0))).toMatchObject({
      kind: 'crash',
      detail: expect.stringContaining('SyntaxError'),
    });
    expect(await judge(reader, Uint8Array.of(1, 2))).toBe('refused');
  });
});
