import { adam, sgd } from '@ddcl/core';
import { fit, modelToBytes, type FitOptions, type FitResult, type TokenSource } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf, withSmallBuffers } from './support.ts';

const dimension = 3;
const tokens = blobs(150, dimension, 5, 3, 1);
const source = sourceOf(tokens, dimension);

/** Two epochs of ten steps, relocation and passes. */
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 15, records: 5, seed: 3 };

/** Everything that a resumed fit must give again, bit for bit. */
const outcome = ({ model, quantities, stability, history, bestRestart, restartErrors, steps }: FitResult) => ({
  model: Array.from(modelToBytes(model)),
  quantities,
  stability,
  history,
  bestRestart,
  restartErrors,
  steps,
});

describe('seeds', () => {
  it('the same seed gives the same bits', async () => {
    expect(outcome(await fit(cpuBackend(), source, usual))).toEqual(outcome(await fit(cpuBackend(), source, usual)));
  });

  it('another seed starts elsewhere', async () => {
    const first = await fit(cpuBackend(), source, usual);
    const other = await fit(cpuBackend(), source, { ...usual, seed: 4 });
    expect(other.history[0]!.loss.lq).not.toBe(first.history[0]!.loss.lq);
    expect(other.model.prototypes).not.toEqual(first.model.prototypes);
  });
});

const variants: Record<string, FitOptions> = {
  float32: usual,
  float64: { ...usual, dtype: 'float64' },
  'two restarts': { ...usual, restarts: 2 },
  'several device blocks a step': { ...usual, batch: 50, restarts: 2 },
  'sgd with momentum, stored order, no cooling': {
    ...usual,
    optimizer: sgd({ momentum: 0.9 }),
    learningRate: 0.1,
    shuffle: false,
    anneal: false,
  },
  // Relocation is at step 16, which is also a record.
  'Adam in epochs': { ...usual, optimizer: adam(), epochs: 2 },
  'tokens that are streamed': { ...usual, restarts: 2, tokenMemory: 0 },
  'steps alone': { ...usual, refinement: { passes: 0 } },
  // Both restarts end before the last of their passes.
  'a refinement that converges': { ...usual, restarts: 2, refinement: { passes: 40, tolerance: 0.001 } },
};

describe.each(Object.entries(variants))('resuming: %s', (name, options) => {
  // 16 rows of at most 6 numbers of 8 bytes: a batch of 50 takes four blocks.
  const backend = () => (name.startsWith('several') ? withSmallBuffers(16 * 6 * 8) : cpuBackend());

  it('from every checkpoint offered equals the uninterrupted run', async () => {
    const checkpoints: Uint8Array[] = [];
    const whole = await fit(backend(), source, {
      ...options,
      onCheckpoint: async (make) => {
        checkpoints.push(await make());
      },
    });
    const restarts = options.restarts ?? 1;
    // One after each record and one after each restart.
    expect(checkpoints.length).toBe(whole.history.length + restarts);
    const passes = whole.history.filter(({ step }) => step > 20).length;
    if (name.endsWith('converges')) {
      expect(passes).toBeGreaterThanOrEqual(4 * restarts);
      expect(passes).toBeLessThan(40 * restarts);
    }
    expect(passes > 0).toBe(!/sgd|Adam|alone/.test(name));
    for (const [index, resume] of checkpoints.entries()) {
      const told: number[] = [];
      const resumed = await fit(backend(), source, { ...options, resume, onRecord: ({ step }) => told.push(step) });
      expect(outcome(resumed), `checkpoint ${index}`).toEqual(outcome(whole));
      // Records of the checkpoint are not told again.
      expect(told.length).toBeLessThan(whole.history.length);
      expect(told).toEqual(whole.history.slice(whole.history.length - told.length).map(({ step }) => step));
    }
  });
});

describe('a fit that is killed', () => {
  // In the annealed steps, in the middle of a pass, and in what comes after all steps; each in the second restart.
  it.each([
    ['an annealed step', 'fit', 8],
    ['the first pass', 'fit', 21],
    ['a later pass', 'fit', 24],
    ['the measurement', 'fit', Infinity],
    ['the certificate', 'stability', 1],
  ] as const)('in %s goes on from its last checkpoint, bit for bit', async (_, phase, step) => {
    const options: FitOptions = { ...usual, restarts: 2, refinement: { passes: 6, tolerance: 0 } };
    const whole = await fit(cpuBackend(), source, options);
    for (const tokenMemory of [undefined, 0]) {
      const own = { ...options, ...(tokenMemory !== undefined && { tokenMemory }) };
      const wanted = tokenMemory === 0 ? await fit(cpuBackend(), source, own) : whole;
      const controller = new AbortController();
      let resume: Uint8Array | undefined;
      let told = 0;
      const error = await rejection(
        fit(cpuBackend(), source, {
          ...own,
          signal: controller.signal,
          onCheckpoint: async (make) => {
            resume = await make();
          },
          onProgress: (progress) => {
            if (progress.phase !== phase || (phase === 'fit' && progress.restart < 1)) return;
            // The last that is told of the restarts is that one is measured.
            if (step === Infinity ? progress.done === progress.total : ++told === step) controller.abort();
          },
        }),
      );
      expect(error.code).toBe('aborted');
      expect(outcome(await fit(cpuBackend(), source, { ...own, resume: resume! }))).toEqual(outcome(wanted));
    }
  });
});

describe('a checkpoint of another fit', () => {
  const resumeWith = async (
    options: Partial<FitOptions>,
    from: TokenSource = source,
    made: Partial<FitOptions> = {},
  ) => {
    let resume: Uint8Array | undefined;
    await fit(cpuBackend(), source, {
      ...usual,
      steps: 2,
      ...made,
      onCheckpoint: async (make) => {
        resume ??= await make();
      },
    });
    return rejection(fit(cpuBackend(), from, { ...usual, steps: 2, ...made, ...options, resume: resume! }));
  };

  it.each([
    ['prototypes', { prototypes: 5 }, 'prototypes was 6, is 5'],
    ['temperature', { temperature: 0.5 }, 'temperature was auto, is 0.5'],
    ['anneal', { anneal: false }, 'anneal was true, is false'],
    ['relocate', { relocate: false }, 'relocate was true, is false'],
    ['steps', { steps: 3 }, 'steps was 2, is 3'],
    ['epochs', { epochs: 3 }, 'epochs was default, is 3'],
    ['batch', { batch: 16 }, 'batch was 15, is 16'],
    ['learningRate', { learningRate: 0.2 }, 'learning rate was 0.3, is 0.2'],
    ['constantRate', { constantRate: true }, 'constant rate was false, is true'],
    ['optimizer', { optimizer: sgd() }, 'optimizer was mass preconditioned, is sgd'],
    ['start', { start: 'tokens' }, 'start was pulled, is tokens'],
    ['restarts', { restarts: 2 }, 'restarts was 1, is 2'],
    ['dtype', { dtype: 'float64' }, 'dtype was float32, is float64'],
    ['seed', { seed: 4 }, 'seed was 3, is 4'],
    ['shuffle', { shuffle: false }, 'shuffle was true, is false'],
    ['records', { records: 6 }, 'records was 5, is 6'],
    ['refinement', { refinement: { passes: 3 } }, 'refinement was 10 passes, tolerance 0.001, is 3 passes'],
    ['tokenMemory', { tokenMemory: 1e6 }, 'token memory was 536870912, is 1000000'],
    ['what the caller adds', { identity: { columns: 'a,b' } }, 'columns was not set, is a,b'],
  ] as const)('is refused when %s differs, by name', async (_, options, text) => {
    const error = await resumeWith(options as Partial<FitOptions>);
    expect(error.code).toBe('data');
    expect(error.message).toContain('The checkpoint belongs to another fit');
    expect(error.message).toContain(text);
  });

  it('is refused when the numbers of the optimizer differ', async () => {
    const error = await resumeWith({ optimizer: adam({ beta1: 0.5 }) }, source, { optimizer: adam() });
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('beta1=0.9') });
  });

  it('is refused when one token differs', async () => {
    const error = await resumeWith({}, sourceOf(tokens.with(7, tokens[7]! + 1e-9), dimension));
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('other mean') });
    expect(error.message).not.toContain('prototypes was');
  });

  it('is refused when tokens are missing', async () => {
    const error = await resumeWith({}, sourceOf(tokens.subarray(0, 149 * dimension), dimension));
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('tokens was 150, is 149') });
  });
});

describe('bytes that are no checkpoint', () => {
  it.each([
    ['nothing', () => new Uint8Array(0)],
    ['noise', () => Uint8Array.from({ length: 64 }, (_, index) => (index * 37) % 251)],
  ])('%s: format', async (_, make) => {
    expect((await rejection(fit(cpuBackend(), source, { ...usual, resume: make() }))).code).toBe('format');
  });

  it('a model: format, with the remedy', async () => {
    const { model } = await fit(cpuBackend(), source, { ...usual, steps: 1 });
    const error = await rejection(fit(cpuBackend(), source, { ...usual, resume: modelToBytes(model) }));
    expect(error).toMatchObject({ code: 'format', message: expect.stringContaining('Start the fit afresh') });
  });
});
