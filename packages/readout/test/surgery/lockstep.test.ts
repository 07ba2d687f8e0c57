import { describe, expect, it } from 'vitest';
import { runInLockstep } from '../../src/surgery/lockstep.ts';

/** Asks `rounds` times; returns the sum of the answers. */
const asking =
  (rounds: number) =>
  async (ask: (question: number) => Promise<number>): Promise<number> => {
    let total = 0;
    for (let round = 0; round < rounds; round++) total += await ask(round);
    return total;
  };

describe('runInLockstep', () => {
  it('answers the questions of all searches at once, also of those that go on alone', async () => {
    const asked: number[][] = [];
    const results = await runInLockstep([asking(1), asking(0), asking(3)], async (questions) => {
      asked.push([...questions.keys()].sort());
      return new Map([...questions].map(([search, question]) => [search, 10 * search + question]));
    });
    expect(results).toEqual([0, 0, 63]);
    expect(asked).toEqual([[0, 2], [2], [2]]);
    expect(await runInLockstep([], async () => new Map())).toEqual([]);
  });

  it('fails with the error of an answer or of a search', async () => {
    let rounds = 0;
    const failing = runInLockstep([asking(5), asking(5)], async (questions) => {
      if (++rounds === 2) throw new Error('no answer');
      return questions;
    });
    await expect(failing).rejects.toThrow('no answer');
    const broken = async (): Promise<number> => {
      throw new Error('no search');
    };
    await expect(runInLockstep([asking(2), broken], async (questions) => questions)).rejects.toThrow('no search');
  });
});
