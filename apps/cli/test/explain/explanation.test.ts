import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { Readout } from '@ddcl/readout';
import { describe, expect, it } from 'vitest';
import { gatherExplanation, type ReadDocument } from '../../src/explain/gather.ts';
import { renderExplanation } from '../../src/explain/render-explanation.ts';

const m = 3;
/** Prototypes along the axes; the last one is far from everything. */
const model: DdclModel = {
  count: 4,
  dimension: m,
  dtype: 'float32',
  prototypes: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4, -50, -50, -50),
  temperature: 1,
  criticalTemperature: 20,
  offset: new Float64Array(m),
  scale: 1,
  totalVariance: 12,
};
const axes: Readonly<Record<string, number>> = { river: 0, stone: 0, film: 1, '<script>': 1, '[CLS]': 2 };

function document(place: string, words: readonly string[], label?: string): ReadDocument {
  const random = createRandom(words.length);
  const tokens = Float32Array.from(
    words.flatMap((word) => [0, 1, 2].map((axis) => (axis === axes[word] ? 4 : 0) + 0.3 * random.normal())),
  );
  const special = words.map((word) => (word === '[CLS]' ? 1 : 0));
  return { place, pieces: words, special, tokens, ...(label === undefined ? {} : { label }) };
}

const documents = [
  document('a line 1', ['[CLS]', 'river', 'stone', 'river', 'film'], 'x'),
  document('a line 2', []),
  document('a line 3', ['[CLS]', '<script>', 'film', 'river'], '"y"'),
];

async function* stream(): AsyncGenerator<ReadDocument> {
  yield* documents;
}

const explain = (shown = 5, examples = 2): ReturnType<typeof gatherExplanation> =>
  gatherExplanation(Readout.fromModel(model, { backend: cpuBackend() }), stream(), { examples, words: 3, shown });

describe('gatherExplanation', () => {
  it('counts words, shares and passages of each prototype', async () => {
    const { prototypes, documents: read, tokens, shown, perplexity, entropy } = await explain();
    expect([read, tokens, shown.length]).toEqual([3, 9, 2]);
    expect(prototypes.map(({ prototype }) => prototype)).toEqual([0, 1, 2, 3]);
    const [river, film, cls, unused] = prototypes;
    expect(river!.share).toBeCloseTo(4 / 9, 2);
    expect(river!.frequent).toEqual([
      { word: 'river', count: 3 },
      { word: 'stone', count: 1 },
    ]);
    expect([...river!.nearest].sort()).toEqual(['river', 'stone']);
    // One passage of each document.
    expect(river!.passages.map(({ place }) => place).sort()).toEqual(['a line 1', 'a line 3']);
    const last = river!.passages.find(({ place }) => place === 'a line 3')!;
    expect(last).toMatchObject({ before: '[CLS] <script> film', word: 'river', after: '' });
    expect(last.assignment).toBeGreaterThan(0.9);
    expect(film!.frequent.map(({ word }) => word)).toEqual(['film', '<script>']);
    expect(cls!.frequent).toEqual([{ word: '[CLS]', count: 2 }]);
    expect(unused).toMatchObject({ share: 0, frequent: [], nearest: [], passages: [] });
    const shares = [4 / 9, 3 / 9, 2 / 9];
    expect(perplexity).toBeCloseTo(Math.exp(-shares.reduce((sum, x) => sum + x * Math.log(x), 0)), 1);
    expect(entropy).toBeLessThan(0.1);
    expect(shown[0]!.tokens[1]).toMatchObject({ text: 'river', joined: false, special: false });
    expect(shown[0]!.tokens[1]!.assignments[0]![0]).toBe(0);
  });

  it('counts a word of several tokens once', async () => {
    async function* pieces(): AsyncGenerator<ReadDocument> {
      const tokens = Float32Array.of(4, 0, 0, 4, 0, 0, 4, 0, 0, 0, 4, 0);
      yield { place: 'p', pieces: ['riv', '##er', 'river', '##s'], special: [0, 0, 0, 0], tokens };
    }
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const {
      prototypes,
      documents: read,
      ofDocuments,
    } = await gatherExplanation(readout, pieces(), {
      examples: 1,
      words: 9,
      shown: 0,
      total: 7,
    });
    expect(prototypes[0]!.frequent).toEqual([
      { word: 'river', count: 1 },
      { word: 'rivers', count: 1 },
    ]);
    expect(prototypes[1]!.frequent).toEqual([{ word: 'rivers', count: 1 }]);
    expect([read, ofDocuments]).toEqual([1, 7]);
  });

  it('keeps as much as asked', async () => {
    const { prototypes, shown } = await explain(1, 1);
    expect(shown.map(({ place }) => place)).toEqual(['a line 1']);
    expect(prototypes[0]!.passages).toHaveLength(1);
  });

  it('refuses texts without tokens', async () => {
    async function* none(): AsyncGenerator<ReadDocument> {
      yield documents[1]!;
    }
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    await expect(gatherExplanation(readout, none(), { examples: 1, words: 1, shown: 1 })).rejects.toThrow(/no token/);
  });
});

describe('renderExplanation', () => {
  it('escapes what comes from texts, has all prototypes, and asks for nothing from outside', async () => {
    const page = renderExplanation('<model>', await explain(), 'ddcl explain "m"');
    expect(page).not.toContain('<script>');
    expect(page).toContain('&lt;script&gt;');
    expect(page).toContain('label &quot;y&quot;');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/https?:|src=|<link/);
    for (const k of [0, 1, 2, 3]) {
      expect(page).toContain(`id="p${k}"`);
      expect(page).toContain(`id="pick-${k}"`);
      expect(page).toContain(`main:has(#pick-${k}:checked) .tok:not(.k${k})`);
    }
    expect(page).toContain('No token has it as its most probable prototype.');
    expect(page.match(/class="tok k/g)).toHaveLength(9);
    expect(renderExplanation('<model>', await explain(), 'ddcl explain "m"')).toBe(page);
  });
});
