import { cpuBackend } from '@ddcl/backend-cpu';
import { encodeSegments, tokensFromArray, tokensFromReader, type SegmentOutput } from '@ddcl/core/fit';
import { encodeDocuments, fitHierarchy, type Passed } from '@ddcl/hier';
import { describe, expect, it } from 'vitest';
import { corpus, sourceOf, thrown } from '../corpora.ts';

const backend = cpuBackend();
const documents = corpus({ documents: 40, dimension: 4 });
const ids = Int32Array.from(
  [...documents.lengths].flatMap((length, document) => Array.from({ length }, () => document)),
);

describe('what a level passes is the readout of core, with a temperature so high that assignments are soft', () => {
  it.each<[Passed, boolean]>([
    ['residuals', true],
    ['residuals', false],
    ['pooled', false],
    ['occupancy', false],
    ['summaries', false],
  ])('%s, normalized %s', async (what, normalize) => {
    const levels = [
      { prototypes: 3, temperature: { ofCritical: 0.3 }, pass: { what, normalize, project: null } },
      { prototypes: 2 },
    ];
    const { model } = await fitHierarchy(backend, { dimension: 4, levels }, sourceOf(documents), {
      epochs: 1,
      restarts: 1,
    });
    const own: number[] = [];
    for await (const some of encodeDocuments(model, sourceOf(documents)))
      for (const { vector } of some) own.push(...vector);
    const { model: first } = model.levels[0]!;
    const expected: number[] = [];
    const source = tokensFromReader(tokensFromArray(documents.data, 4));
    for await (const { data } of encodeSegments(
      backend,
      { ...first, dtype: 'float64' },
      source,
      ids,
      what as SegmentOutput,
      { normalize },
    ))
      expected.push(...data);
    if (what === 'residuals') {
      // Beside them what each document is off the mean of all, of the same length; a joint vector of length 1.
      let token = 0;
      const rows = Array.from(documents.lengths, (length, document) => {
        const off = [0, 0, 0, 0];
        for (const end = token + length; token < end; token++)
          for (let axis = 0; axis < 4; axis++) off[axis]! += documents.data[4 * token + axis]! - first.offset[axis]!;
        const size = normalize ? Math.hypot(...off) : 1;
        const all = [...expected.slice(12 * document, 12 * document + 12), ...off.map((value) => value / size)];
        return normalize ? all.map((value) => value / Math.SQRT2) : all;
      });
      expected.splice(0, expected.length, ...rows.flat());
    }
    // Core gives summaries in the tokens' units, hier less the mean of the tokens.
    if (what === 'summaries')
      expected.forEach((value, index) => (expected[index] = value === 0 ? 0 : value - first.offset[index % 4]!));
    expect(own).toHaveLength(expected.length);
    // The vectors are rounded to float32: 6e-8 of numbers of order 1, and of sums of 12 tokens.
    own.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(2e-6));
  });
});

it('tells distance, entropy and occupancy of a document', async () => {
  const { model } = await fitHierarchy(
    backend,
    { dimension: 4, levels: [{ prototypes: 3, temperature: { ofCritical: 0.3 } }] },
    sourceOf(documents),
    { epochs: 1, restarts: 1 },
  );
  const { model: own } = model.levels[0]!;
  let document = 0;
  let first = 0;
  for await (const some of encodeDocuments(model, sourceOf(documents))) {
    for (const { q, entropy, topic, distance, tokens, levels } of some) {
      const mean = [0, 0, 0];
      let away = 0;
      for (let token = 0; token < documents.lengths[document]!; token++) {
        const squared = [0, 1, 2].map((k) =>
          [0, 1, 2, 3].reduce(
            (sum, axis) => sum + (documents.data[(first + token) * 4 + axis]! - own.prototypes[k * 4 + axis]!) ** 2,
            0,
          ),
        );
        const least = Math.min(...squared);
        const weights = squared.map((d) => Math.exp((least - d) / own.temperature));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        weights.forEach((weight, k) => (mean[k]! += weight / total / tokens));
        away += Math.sqrt(least) / tokens;
      }
      mean.forEach((share, k) => expect(q[k]).toBeCloseTo(share, 6));
      expect(topic).toBe(mean.indexOf(Math.max(...mean)));
      expect(entropy).toBeCloseTo(-mean.reduce((sum, share) => sum + share * Math.log(share), 0), 10);
      expect(distance).toBeCloseTo(away, 10);
      expect(levels[0]!.codes).toHaveLength(tokens);
      first += tokens;
      document += 1;
    }
  }
  expect(document).toBe(40);
});

it('refuses boundaries that do not fit', async () => {
  const { model } = await fitHierarchy(
    backend,
    {
      dimension: 4,
      levels: [{ prototypes: 2, group: 'part' }, { prototypes: 2, group: 'chapter' }, { prototypes: 2 }],
    },
    {
      dimension: 4,
      async *blocks() {
        const { data, lengths } = documents;
        const all = Array.from(lengths, (length) => [length]);
        yield { ids: documents.ids, data, lengths, groups: { part: all, chapter: all } };
      },
    },
    { epochs: 1, restarts: 1 },
  );
  const encode = (part: readonly number[], chapter: readonly number[]) =>
    thrown(async () => {
      const source = {
        dimension: 4,
        async *blocks() {
          yield { ids: ['d'], data: new Float32Array(12), lengths: [3], groups: { part: [part], chapter: [chapter] } };
        },
      };
      for await (const some of encodeDocuments(model, source)) expect(some).toHaveLength(1);
    });
  expect(await encode([2, 1], [2, 1])).toBe('nothing was thrown');
  expect(await encode([2, 2], [3])).toBe(
    "data: Groups 'part' of document 'd' have 4 tokens together, but it has 3. Give the number of tokens of each group.",
  );
  expect(await encode([2, 1], [1, 2])).toBe(
    "data: A group 'chapter' of document 'd' ends after 1 tokens, within an item of level 'level 2'. Groups of a level must be made of whole items.",
  );
});
