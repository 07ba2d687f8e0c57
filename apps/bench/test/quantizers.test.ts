import { expect, it } from 'vitest';
import { compareQuantizers } from '../src/quantizers/agreement.ts';
import { runOurs, type QuantizerCase } from '../src/quantizers/run-ours.ts';

type Request = Readonly<Record<string, never>>;

/** A peer that gives what a nearest code and a straight-through gradient are, by loops; what it does not know it answers with zeros. */
function emaByLoops({ z, upstream, codes, m, commitment }: Request): Record<string, number[] | number> {
  const [latents, book, g, width] = [z, codes, upstream, m] as unknown as [number[], number[], number[], number];
  const indices: number[] = [];
  let loss = 0;
  const [output, zGradient] = [latents.map(() => 0), latents.map(() => 0)];
  for (let first = 0; first < latents.length; first += width) {
    const distance = (code: number): number =>
      latents.slice(first, first + width).reduce((sum, x, axis) => sum + (x - book[code * width + axis]!) ** 2, 0);
    const all = Array.from({ length: book.length / width }, (_, code) => distance(code));
    const nearest = all.indexOf(Math.min(...all));
    indices.push(nearest);
    for (let axis = 0; axis < width; axis++) {
      const [x, h] = [latents[first + axis]!, book[nearest * width + axis]!];
      output[first + axis] = h;
      loss += (Number(commitment) * (x - h) ** 2) / latents.length;
      zGradient[first + axis] = g[first + axis]! + (2 * Number(commitment) * (x - h)) / latents.length;
    }
  }
  return { output, indices, loss, zGradient, codes: book.map(() => 0) };
}

it('compares indices, outputs, losses and gradients with those of a peer', async () => {
  const peer = {
    async ask(request: Readonly<Record<string, unknown>>) {
      const given = request as Request;
      if (given['kind'] === ('ema' as never)) return emaByLoops(given);
      const n = Number(given['n']) * Number(given['m']);
      const zeros = new Array<number>(n).fill(0);
      return {
        output: zeros,
        indices: [],
        loss: 0,
        zGradient: zeros,
        codes: zeros.slice(0, 24),
        matrixGradient: zeros.slice(0, 9),
      };
    },
    dispose() {},
  };
  const rows = await compareQuantizers(peer, () => {});
  expect(rows.map(({ name }) => name)).toContain('simvq, rotation');
  const ema = rows.find(({ name }) => name === 'ema')!;
  expect(ema.indices).toBe(0);
  for (const value of [ema.output, ema.loss, ema.gradient]) expect(value).toBeLessThan(1e-14);
  // Zeros are another answer, and are told as one.
  expect(ema.codes).toBeGreaterThan(0.1);
  for (const { name, gradient } of rows) if (name !== 'ema') expect(gradient).toBeGreaterThan(0.1);
});

it('runs a part with the numbers that it is given', async () => {
  const given: QuantizerCase = {
    spec: { kind: 'ema', dimension: 1, codes: 2, commitment: 0, decay: 0.5 },
    z: [0.4, 2],
    upstream: [3, 5],
    tensors: { 'codes.0.0': [0, 1], 'mass.0.0': [0.5, 0.5] },
  };
  expect(await runOurs(given)).toEqual({
    output: [0, 1],
    indices: [0, 1],
    loss: 0,
    zGradient: [3, 5],
    codes: [0.2, 1.5],
  });
});
