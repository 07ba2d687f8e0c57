import { describe, expect, it } from 'vitest';
import {
  checkpointFromBytes,
  checkpointIdentity,
  checkpointToBytes,
  type FitCheckpoint,
} from '../../src/fit/checkpoint.ts';
import { fitDifferences, fitIdentity, requireSameFit } from '../../src/fit/identity.ts';
import { readSafetensors } from '../../src/safetensors/read-safetensors.ts';
import { writeSafetensors } from '../../src/safetensors/write-safetensors.ts';
import { errorOf } from '../support/run.ts';

const checkpoint: FitCheckpoint = {
  identity: { prototypes: '2', seed: '7' },
  tokens: { tokens: '60' },
  restart: 1,
  step: 12,
  finished: [0.1 + 0.2],
  history: [
    {
      restart: 0,
      step: 1,
      epoch: 0.5,
      temperature: 1 / 3,
      learningRate: 0.1,
      loss: { lq: Math.PI, lols: 1e-300, v: 0, hard: 2, defect: 1e-17 },
      separation: { mean: 1, min: 0 },
      entropy: 0.7,
      used: 1,
      distinct: 2,
      perplexity: 1.9,
    },
  ],
  stopping: { lq: 2 / 3, isDone: true },
  best: { restart: 0, hard: 1 / 7, prototypes: Float64Array.of(1 / 3, 2, 3, 4, 5, 6) },
  dtype: 'float32',
  state: [Float32Array.of(0.1, 2, 3, 4, 5, 6), Float32Array.of(0.3, 7)],
  shape: [2, 3],
};

describe('a checkpoint as bytes', () => {
  it.each([
    ['in the middle of a restart', checkpoint],
    ['in float64', { ...checkpoint, dtype: 'float64', state: [Float64Array.of(0.1, 1 / 3, -0, 4, 5, 6)] }],
    ['between restarts', { ...checkpoint, state: [] }],
    ['at the first record', { ...checkpoint, best: undefined, finished: [], stopping: { lq: null, isDone: false } }],
  ] as const)('reads back exactly: %s', (_, made) => {
    expect(checkpointFromBytes(checkpointToBytes(made as FitCheckpoint))).toEqual(made);
  });
});

function changed(change: (metadata: Record<string, string>, tensors: Map<string, unknown>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(checkpointToBytes(checkpoint));
  const [notes, all] = [{ ...metadata }, new Map(tensors)];
  change(notes, all);
  return writeSafetensors(all, notes);
}

describe('bytes that are no checkpoint are refused', () => {
  it.each([
    ['nothing', new Uint8Array(0)],
    ['half a file', checkpointToBytes(checkpoint).subarray(0, 200)],
    ['another format', changed((notes) => (notes['format'] = 'ddcl.model'))],
    ['another version', changed((notes) => (notes['formatVersion'] = '2'))],
    ['no progress', changed((notes) => delete notes['progress'])],
    ['progress that is no JSON', changed((notes) => (notes['progress'] = '{"step": 1'))],
    ['progress that is no object', changed((notes) => (notes['progress'] = '7'))],
    ['progress of null', changed((notes) => (notes['progress'] = 'null'))],
    ['progress without identity', changed((notes) => (notes['progress'] = '{"history": []}'))],
    [
      'progress with an identity of null',
      changed(
        (notes) => (notes['progress'] = '{"history": [], "identity": null, "tokens": {}, "slots": 0, "best": null}'),
      ),
    ],
    [
      'progress without tokens',
      changed((notes) => (notes['progress'] = '{"history": [], "identity": {}, "slots": 0, "best": null}')),
    ],
    ['a missing state', changed((_, tensors) => tensors.delete('state.1'))],
    ['a missing best', changed((_, tensors) => tensors.delete('best'))],
  ])('%s', (_, bytes) => {
    expect(errorOf(() => checkpointFromBytes(bytes)).code).toBe('format');
  });
});

describe('requireSameFit', () => {
  it('accepts the same', () => {
    const { identity } = checkpoint;
    expect(checkpointIdentity(checkpointToBytes(checkpoint))).toEqual(identity);
    expect(() => requireSameFit(identity, { seed: '7', prototypes: '2' })).not.toThrow();
  });

  it('names all that differs, and nothing else', () => {
    const error = errorOf(() => requireSameFit(checkpoint.identity, { prototypes: '3', tokens: '9' }));
    expect(error).toMatchObject({
      code: 'data',
      message:
        'The checkpoint belongs to another fit: prototypes was 2, is 3; seed was 7, is not set; tokens was not set, is 9. ' +
        'Resume with the same options and tokens, or start a new fit.',
    });
  });
});

describe('fitIdentity', () => {
  it('holds the options with their defaults, and what is added', () => {
    const now = fitIdentity({ prototypes: 3, seed: 1, identity: { columns: 'a,b' } });
    expect(now).toMatchObject({
      prototypes: '3',
      seed: '1',
      batch: 'default',
      refinement: '10 passes, tolerance 0.001',
      columns: 'a,b',
    });
    expect(fitDifferences(fitIdentity({ prototypes: 3, learningRate: 0.2 }), now)).toBe(
      'learning rate was 0.2, is 0.3; seed was 0, is 1; columns was not set, is a,b',
    );
    expect(fitDifferences(now, { ...now, columns: 'c'.repeat(61) })).toBe('other columns');
  });

  it('refuses an addition with the name of an option', () => {
    expect(errorOf(() => fitIdentity({ prototypes: 3, identity: { seed: '5' } }))).toMatchObject({
      code: 'argument',
      message: "identity has the name 'seed', which an option has. Give it another.",
    });
  });
});
