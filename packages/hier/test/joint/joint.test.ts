import { cpuBackend } from '@ddcl/backend-cpu';
import { fitHierarchy, type LevelQuantities } from '@ddcl/hier';
import { expect, it } from 'vitest';
import { corpus, sourceOf } from '../corpora.ts';

const backend = cpuBackend();
const documents = corpus({ documents: 80, dimension: 4, tokens: 6 });

async function run(weight: number, through: boolean) {
  const epochs: LevelQuantities[] = [];
  const spec = { dimension: 4, levels: [{ prototypes: 4 }, { prototypes: 3, weight }] };
  const options = { mode: 'joint' as const, epochs: 2, restarts: 1, through };
  const { model } = await fitHierarchy(backend, spec, sourceOf(documents), {
    ...options,
    onEpoch: (quantities) => epochs.push(quantities),
  });
  return { model, epochs: epochs.filter(({ joint }) => joint) };
}

it('moves all levels together, with the identity at each', async () => {
  const { model, epochs } = await run(1, false);
  expect(epochs.map(({ level, epoch }) => `${level} ${epoch}`)).toEqual([
    'token 1',
    'document 1',
    'token 2',
    'document 2',
  ]);
  for (const { v, lq, lols } of epochs) {
    expect(v).toBeGreaterThanOrEqual(0);
    expect(Math.abs(lq - lols - v) / lq).toBeLessThan(1e-5);
  }
  // Adam does not see by what a loss is multiplied, unless several reach the same prototypes.
  const heavy = await run(100, false);
  const difference = (a: Float64Array, b: Float64Array): number =>
    a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
  const first = ({ model: own }: { model: typeof model }): Float64Array => own.levels[0]!.model.prototypes;
  expect(difference(first({ model }), first(heavy))).toBe(0);
  const through = await run(100, true);
  expect(difference(first({ model }), first(through))).toBeGreaterThan(1e-3);
});
