import { createRandom } from '@ddcl/core';
import { fit, fitPrototypes, measureStabilityOn, modelState, type FitOptions, type FitProgress } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf, watchedBackend, withSmallBuffers } from './support.ts';

const dimension = 3;
// A power of two: the watched sample and the blocks of the measurement then have the same size.
const tokens = blobs(256, dimension, 5, 3, 1);
const source = sourceOf(tokens, dimension);
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 64, records: 5 };

/** One block a step, and three. */
const backends: Record<string, () => Backend> = {
  'one block a step': () => cpuBackend(),
  'several blocks a step': () => withSmallBuffers(24 * 6 * 8),
};

describe.each(Object.entries(backends))('%s', (_, make) => {
  it('a fit gives back all buffers and disposes of every executable', async () => {
    const { backend, compiled, seen } = watchedBackend(make());
    const mine = backend.upload({ dtype: 'float32', shape: [1] }, Float32Array.of(1));
    const before = backend.memory();
    await fit(backend, source, { ...usual, restarts: 2 });
    expect(backend.memory()).toEqual(before);
    expect(seen.disposed).toBe(compiled.size);
    backend.free(mine);
  });

  it('prototypes alone are those of the fit, without a last pass and a certificate', async () => {
    const { backend, compiled, seen } = watchedBackend(make());
    const phases = new Set<string>();
    const own = await fitPrototypes(backend, source, { ...usual, onProgress: ({ phase }) => phases.add(phase) });
    const { model, history, statistics } = await fit(make(), source, usual);
    expect(own).toMatchObject({ model, history, statistics });
    expect([...phases]).toEqual(['statistics', 'fit']);
    expect(backend.memory().buffers).toBe(0);
    expect(seen.disposed).toBe(compiled.size);
  });

  it('an annealed fit compiles each program once, whatever the number of restarts', async () => {
    const { backend, compiled } = watchedBackend(make());
    const { history } = await fit(backend, source, { ...usual, restarts: 3 });
    expect(new Set(history.map(({ temperature }) => temperature)).size).toBeGreaterThan(3);
    expect([...compiled.values()].filter(({ count }) => count !== 1)).toEqual([]);
  });

  it.each(['statistics', 'fit', 'measure', 'stability'] as const)(
    'stops in the phase %s when the signal fires, and gives all back',
    async (phase) => {
      const { backend, compiled, seen } = watchedBackend(make());
      const controller = new AbortController();
      const reason = new Error('the user went home');
      const phases: FitProgress['phase'][] = [];
      const error = await rejection(
        fit(backend, source, {
          ...usual,
          signal: controller.signal,
          onProgress: (progress) => {
            phases.push(progress.phase);
            // Somewhere in the middle; a measurement of one block tells its progress once.
            if (
              progress.phase === phase &&
              phases.filter((other) => other === phase).length === (phase === 'measure' ? 1 : 2)
            )
              controller.abort(reason);
          },
        }),
      );
      expect(error.code).toBe('aborted');
      expect(error.cause).toBe(reason);
      expect(phases.at(-1)).toBe(phase);
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
      expect(seen.disposed).toBe(compiled.size);
    },
  );

  it('gives all back when a run fails, wherever it does', async () => {
    const { backend: counting, seen } = watchedBackend(make());
    await fit(counting, source, { ...usual, steps: 4 });
    for (let failing = 1; failing <= seen.runs; failing += Math.ceil(seen.runs / 12)) {
      const backend = make();
      let runs = 0;
      const broken: Backend = {
        ...backend,
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            async run(inputs, options) {
              if (++runs < failing) return executable.run(inputs, options);
              // What a run donates is consumed even when it fails.
              for (const position of options?.donate ?? []) backend.free(inputs[position]!);
              throw new Error('the device caught fire');
            },
          };
        },
      };
      await expect(fit(broken, source, { ...usual, steps: 4 })).rejects.toThrow('the device caught fire');
      expect(backend.memory(), `run ${failing}`).toEqual({ buffers: 0, bytes: 0 });
    }
  });

  it('gives all back when a compilation fails, wherever it does', async () => {
    const { backend: counting, compiled } = watchedBackend(make());
    await fit(counting, source, usual);
    for (let failing = 1; failing <= compiled.size; failing++) {
      const backend = make();
      let compilations = 0;
      const broken: Backend = {
        ...backend,
        async compile(program) {
          if (++compilations === failing) throw new Error('no such op');
          return backend.compile(program);
        },
      };
      const error = await fit(broken, source, usual).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ message: 'no such op' });
      expect(backend.memory(), `compilation ${failing}`).toEqual({ buffers: 0, bytes: 0 });
    }
  });
});

describe('measurements of a fit', () => {
  /** What a fit uploads of the size of its prototypes, and how often it runs the program of measurements. */
  async function counted(options: FitOptions) {
    const backend = cpuBackend();
    const seen = { uploads: 0, measured: 0 };
    const counting: Backend = {
      ...backend,
      upload(type, data) {
        if (type.shape.join() === `${usual.prototypes},${dimension}`) seen.uploads++;
        return backend.upload(type, data);
      },
      async compile(program) {
        const executable = await backend.compile(program);
        return {
          ...executable,
          run(inputs, own) {
            if (program.name === 'tokenSums') seen.measured++;
            return executable.run(inputs, own);
          },
        };
      },
    };
    const { history } = await fit(counting, source, { ...usual, relocate: false, ...options });
    return { ...seen, records: history.length };
  }

  it('look at prototypes where they are, so that records upload none', async () => {
    const [few, many] = [await counted({ ...usual, records: 2 }), await counted({ ...usual, records: 20 })];
    expect(many.records).toBeGreaterThan(few.records);
    expect(many.uploads).toBe(few.uploads);
  });

  it('are one for each restart, that of the best one included, also when its codes are wanted', async () => {
    for (const restarts of [1, 3]) {
      let codes = 0;
      for (const [tokenMemory, blocks] of [
        // All tokens as they are read are one block, and on the device four of a step each.
        [0, 1],
        [2 ** 20, 4],
      ] as const) {
        codes = 0;
        const plain = await counted({ ...usual, restarts, tokenMemory });
        const withCodes = await counted({ ...usual, restarts, tokenMemory, onCodes: (some) => (codes += some.length) });
        expect([plain.measured, withCodes.measured]).toEqual(Array(2).fill(plain.records + restarts * blocks));
        expect(codes).toBe(tokens.length / dimension);
      }
    }
  });
});

describe('memory', () => {
  it('on the device is that of a block, whatever the number of tokens, and the tokens where they may stay', async () => {
    const peak = async (count: number, tokenMemory: number): Promise<number> => {
      const { backend, seen } = watchedBackend(withSmallBuffers(512 * 6 * 8));
      // All blocks of the device hold 512 tokens or fewer; the watched sample and the certificate's tokens are the rest.
      await fit(backend, sourceOf(blobs(count, dimension, 5, 3, 1), dimension), {
        ...usual,
        batch: 512,
        steps: 4,
        tokenMemory,
      });
      return seen.peak;
    };
    const bytes = 140_000 * 4 * (dimension + 1);
    // One byte too few: they are read anew each time.
    const [few, many, kept] = [await peak(70_000, 0), await peak(140_000, bytes - 1), await peak(140_000, bytes)];
    expect(many).toBe(few);
    expect(kept).toBeGreaterThanOrEqual(bytes);
  });

  it('tokens that are not kept on the device give the same certificate', async () => {
    const { model } = await fit(cpuBackend(), source, usual);
    const options = () => ({ random: createRandom(1) });
    const { backend, seen } = watchedBackend(withSmallBuffers(16 * 6 * 4));
    const resident = await measureStabilityOn(backend, source, 256, modelState(model), options());
    const [kept, streamed] = [
      seen.peak,
      await measureStabilityOn(backend, source, 2 ** 30, modelState(model), options()),
    ];
    expect(kept).toBeGreaterThan(256 * dimension * 4);
    expect(streamed).toEqual(resident);
    expect(backend.memory().buffers).toBe(0);
  });
});
