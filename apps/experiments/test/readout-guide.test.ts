import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { guidePage, readGuide } from '../src/readout-guide.ts';

const cell = (readout: string, numbers: number, seed: number, value: number): object => ({
  row: { readout, prototypes: numbers > 500 ? 8 : null, vectors: null, temperatureShare: null, numbers },
  scores: {
    seed,
    accuracy: value,
    validationAccuracy: 0,
    clustering: { accuracy: 0, mutualInformation: value / 2, adjustedRand: 0 },
    retrieval: { ndcg10: 1 - value, precision10: 0, meanAveragePrecision: 0 },
    microsecondsPerDocument: 10 + seed,
  },
});

it('puts files of a set together, and takes for each task the smallest readout that is not behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ddcl-guide-'));
  try {
    const file = (name: string, cells: readonly object[]): Promise<void> =>
      writeFile(join(folder, name), `{"ddclCompare":3}\n${JSON.stringify({ unit: 'x', cells })}\n`);
    // Accuracies rise with the readout, and so nDCG falls. Seed 2 is not in both files.
    await file(
      'a-100-one.jsonl',
      [0, 1, 2].map((seed) => cell('mean', 384, seed, 0.5 + 0.02 * seed)),
    );
    await file(
      'a-100-two.jsonl',
      [1, 0].map((seed) => cell('residuals', 3072, seed, 0.6 + 0.02 * seed)),
    );
    const sets = await readGuide(['a-100-one.jsonl', 'a-100-two.jsonl'].map((name) => join(folder, name)));
    expect(
      sets.map(({ set, labels, rows }) => [set, labels, rows.map(({ seeds }) => seeds.map(({ seed }) => seed))]),
    ).toEqual([
      [
        'a',
        100,
        [
          [0, 1],
          [0, 1],
        ],
      ],
    ]);
    const page = guidePage(sets, 'Words.');
    expect(page).toContain(
      '| a | 100 | any | residuals, K = 8 (0.610 ± 0.014, +0.100 ± 0.000) | mean (0.490 ± 0.014) | residuals, K = 8 (0.305 ± 0.007, +0.050 ± 0.000) |',
    );
    expect(page).toContain('| a | 100 | 2 kB | mean (0.510 ± 0.014) | mean (0.490 ± 0.014) | mean (0.255 ± 0.007) |');
    expect(page).toContain('| a | 100 | 384 bytes |  |  |  |');
    expect(page).toContain('| residuals, K = 8 | 12,288 | 0.610 ± 0.010 | 0.305 ± 0.005 | 0.390 ± 0.010 | 10 |');
    await expect(readGuide([join(folder, 'other.jsonl')])).rejects.toThrow(
      'other.jsonl is not named SET-LABELS-ANYTHING.jsonl, such as sst2-100-k8.jsonl.',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
