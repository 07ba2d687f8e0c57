import { expect, inject, it } from 'vitest';
import { trainSmall } from '../autoencoder/trained.ts';

it('an autoencoder is trained in a page, as it is in Node', async () => {
  expect('document' in globalThis).toBe(true);
  const [here, there] = [await trainSmall(), inject('nodeTraining')];
  const [first, last] = [here.history[0]!, here.history[1]!];
  // The pixels' variance is about 0.06.
  expect(last.hard).toBeLessThan(0.03);
  // There are six kinds of patches.
  expect(last.use.use).toBeGreaterThan(0.3);
  // The same arithmetic in the same order; engines may differ in the last bit of exp and tanh, which 120 steps make larger.
  expect(Math.abs(first.hard - there.history[0]!.hard)).toBeLessThan(0.05 * first.hard);
  expect(Math.abs(last.hard - there.history[1]!.hard)).toBeLessThan(0.05 * last.hard);
  const equal = here.codes.filter((code, index) => code === there.codes[index]).length;
  expect(equal / here.codes.length).toBeGreaterThan(0.9);
});
