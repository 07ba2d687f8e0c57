import { createRandom, DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { fit, measureSource, modelState, type FitOptions, type FitProgress, type TokenSource } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf } from './support.ts';

const [tokens, dimension] = [256, 3];
const data = blobs(tokens, dimension, 5, 3, 1);
const source = sourceOf(data, dimension);
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 64, records: 5, seed: 3 };
const bytes = tokens * 4 * (dimension + 1);

/** Counts the passes that are made. */
function counted(of: TokenSource = source) {
  const seen = { passes: 0 };
  return {
    seen,
    source: {
      ...of,
      blocks(order) {
        seen.passes++;
        return of.blocks(order);
      },
    } satisfies TokenSource,
  };
}

/** A backend that fails to upload a step's tokens for the nth time, and every block after that. */
function failing(nth: number, error: () => Error): Backend {
  const backend = cpuBackend();
  let uploads = 0;
  return {
    ...backend,
    upload(type, values) {
      // The last block has as many rows as the others.
      if (type.shape.join() === `64,${dimension}` && ++uploads === nth) throw error();
      return backend.upload(type, values);
    },
  };
}

describe('tokens stay on the device', () => {
  it('where they fit into the option, to the byte, and no step reads them again', async () => {
    const [kept, streamed] = [counted(), counted()];
    await fit(cpuBackend(), kept.source, { ...usual, restarts: 2, tokenMemory: bytes });
    await fit(cpuBackend(), streamed.source, { ...usual, restarts: 2, tokenMemory: bytes - 1 });
    // The statistics, the way to the device, the certificate and its boundary tokens.
    expect(kept.seen.passes).toBe(4);
    expect(streamed.seen.passes).toBeGreaterThan(12);
  });

  it.each([
    ['a limit', () => new DdclError('limit', 'no more than 1 MiB.')],
    ['memory of the host', () => new RangeError('Array buffer allocation failed')],
  ])('unless the device meets %s: that is told, and the fit is the streamed one', async (_, error) => {
    const streamed = await fit(cpuBackend(), source, { ...usual, tokenMemory: 0 });
    for (const nth of [1, 3]) {
      const backend = failing(nth, error);
      const warnings: string[] = [];
      const onWarning = (warning: string): void => void warnings.push(warning);
      const { model, history } = await fit(backend, source, { ...usual, onWarning });
      expect(warnings).toEqual([
        expect.stringMatching(
          /^The device cannot hold the 1 MiB of tokens \(.*\), so they are read anew for each pass/,
        ),
      ]);
      expect(warnings[0]).toContain(error().message);
      expect(model).toEqual(streamed.model);
      expect(history).toEqual(streamed.history);
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    }
  });

  it('but other failures are failures', async () => {
    const backend = failing(2, () => new DdclError('lost', 'The device went away.'));
    await expect(fit(backend, source, usual)).rejects.toMatchObject({ code: 'lost' });
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('codes of the kept model', () => {
  it.each([
    ['on the device', {}],
    ['on the device, in stored order', { shuffle: false }],
    ['on the device, several restarts', { restarts: 3 }],
    ['on the device, in blocks that do not divide the tokens', { batch: 50 }],
    ['streamed', { tokenMemory: 0 }],
  ] as const)('come in stored order: %s', async (_, options) => {
    const codes: number[] = [];
    const { model, quantities } = await fit(cpuBackend(), source, {
      ...usual,
      ...options,
      onCodes: (some) => codes.push(...some),
    });
    const wanted: number[] = [];
    const measured = await measureSource(cpuBackend(), source, modelState(model), {
      tokens,
      totalVariance: model.totalVariance,
      onCodes: (some) => wanted.push(...some),
    });
    expect(codes).toEqual(wanted);
    expect(new Set(codes).size).toBe(6);
    // Sums of 256 tokens in another order, of float32 distances that are the same.
    expect(quantities.loss.lq / measured.loss.lq).toBeCloseTo(1, 6);
    expect([...quantities.shares]).toEqual(Array.from(measured.shares, (share) => expect.closeTo(share, 12)));
  });

  it('with weights, which go along with their tokens', async () => {
    const random = createRandom(4);
    const weights = Float64Array.from({ length: tokens }, (_, n) => (n % 7 === 3 ? 0 : random.uniform() + 0.1));
    const weighted = sourceOf(data, dimension, weights);
    const { model, quantities } = await fit(cpuBackend(), weighted, { ...usual, dtype: 'float64' });
    const measured = await measureSource(cpuBackend(), weighted, modelState(model), {
      tokens,
      totalVariance: model.totalVariance,
    });
    for (const name of ['lq', 'lols', 'v', 'hard'] as const)
      expect(quantities.loss[name] / measured.loss[name]).toBeCloseTo(1, 10);
    expect(quantities.weight).toBeCloseTo(measured.weight, 10);
  });
});

describe('progress', () => {
  it.each([0, undefined])('of several restarts never goes back; memory %s', async (tokenMemory) => {
    const told: FitProgress[] = [];
    await fit(cpuBackend(), source, {
      ...usual,
      restarts: 3,
      refinement: { passes: 4, tolerance: 0.01 },
      ...(tokenMemory !== undefined && { tokenMemory }),
      onProgress: (progress) => told.push(progress),
    });
    const phases = told.map(({ phase }) => phase);
    // Each phase comes once, the measurements between restarts among the restarts.
    expect(phases.filter((phase, index) => phase !== phases[index - 1])).toEqual(['statistics', 'fit', 'stability']);
    const own = told.filter(({ phase }) => phase === 'fit');
    // 20 steps of 64 tokens, four passes and a measurement, three times.
    const total = 3 * (20 * 64 + 5 * tokens);
    expect(new Set(own.map((progress) => progress.total))).toEqual(new Set([total]));
    const done = own.map((progress) => progress.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(total);
  });

  it.each([0, undefined])(
    'counts tokens up to what it told, with the hard error of the last record; memory %s',
    async (tokenMemory) => {
      const told: FitProgress[] = [];
      const errors = new Map<number, number>();
      const { steps, history } = await fit(cpuBackend(), source, {
        ...usual,
        refinement: { passes: 4, tolerance: 0 },
        ...(tokenMemory !== undefined && { tokenMemory }),
        onProgress: (progress) => told.push(progress),
        onRecord: ({ step, loss }) => errors.set(step, loss.hard),
      });
      expect(steps).toBe(24);
      const own = told.filter(({ phase }) => phase === 'fit');
      // 20 steps of 64 tokens and four passes.
      expect(new Set(own.map(({ total }) => total))).toEqual(new Set([20 * 64 + 4 * tokens]));
      const done = own.map((progress) => progress.done);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(done[0]).toBe(64);
      expect(done.at(-1)).toBe(20 * 64 + 4 * tokens);
      expect(own.at(-1)!.hard).toBe(history.at(-2)!.loss.hard);
      for (const { hard } of own.slice(1)) expect([...errors.values()]).toContain(hard);
      for (const phase of ['statistics', 'measure'] as const)
        expect(told.findLast((progress) => progress.phase === phase)).toMatchObject({ done: tokens, total: tokens });
    },
  );
});
