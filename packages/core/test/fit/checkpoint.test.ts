import { describe, expect, it } from 'vitest';
import { checksumOf } from '../../src/fit/check-checkpoint.ts';
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
  finished: [1 / 7],
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
    ['between restarts', { ...checkpoint, step: 0, stopping: { lq: null, isDone: false }, state: [] }],
    [
      'at the first record',
      { ...checkpoint, restart: 0, best: undefined, finished: [], stopping: { lq: null, isDone: false } },
    ],
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
    ['a checksum of other content', changed((notes) => (notes['checksum'] = '0123456789abcdef'))],
    ['a missing state', changed((_, tensors) => tensors.delete('state.1'))],
    ['a missing best', changed((_, tensors) => tensors.delete('best'))],
  ])('%s', (_, bytes) => {
    expect(errorOf(() => checkpointFromBytes(bytes)).code).toBe('format');
  });
});

/** The checkpoint with other progress, and the checksum that goes with it. */
function forged(
  change: (progress: Record<string, never>) => unknown,
  tensors = readSafetensors(checkpointToBytes(checkpoint)).tensors,
): Uint8Array {
  const { metadata } = readSafetensors(checkpointToBytes(checkpoint));
  const progress = JSON.parse(metadata['progress']!) as Record<string, never>;
  change(progress);
  const text = JSON.stringify(progress);
  return writeSafetensors(tensors, { ...metadata, progress: text, checksum: checksumOf(text, tensors) });
}

describe('progress that no fit writes is refused, whatever its checksum', () => {
  it.each<[string, (progress: Record<string, unknown>) => unknown]>([
    ['a restart before the first', (made) => (made['restart'] = -3000)],
    ['a restart in between', (made) => (made['restart'] = 0.5)],
    ['restarts that did not end', (made) => (made['restart'] = 3002)],
    ['more ends than restarts', (made) => (made['finished'] = [1 / 7, 1])],
    ['a best that is none of them', (made) => (made['best'] = { restart: 4, hard: 1 / 7 })],
    ['a best that is better than it was', (made) => (made['best'] = { restart: 0, hard: 0 })],
    ['no best after a restart', (made) => (made['best'] = null)],
    ['a step that is a text', (made) => (made['step'] = '12')],
    ['another dtype', (made) => (made['dtype'] = 'float64')],
    ['another shape', (made) => (made['shape'] = [3, 2])],
    ['tensors beyond those that it has', (made) => (made['slots'] = 3)],
    ['fewer tensors', (made) => (made['slots'] = 1)],
    ['no end of tensors', (made) => (made['slots'] = 1e9)],
    ['an identity of numbers', (made) => (made['identity'] = { seed: 7 })],
    ['a history of the future', (made) => ((made['history'] as { restart: number }[])[0]!.restart = 2)],
    ['a history without losses', (made) => ((made['history'] as { loss: unknown }[])[0]!.loss = 'constructor')],
    ['a name that no fit writes', (made) => (made['more'] = 1)],
  ])('%s', (_, change) => {
    expect(errorOf(() => checkpointFromBytes(forged(change))).code).toBe('format');
  });

  it('takes the same where nothing was changed', () => {
    expect(checkpointFromBytes(forged(() => {}))).toEqual(checkpoint);
  });

  it('numbers that are not finite', () => {
    const tensors = new Map(readSafetensors(checkpointToBytes(checkpoint)).tensors);
    tensors.set('state.1', { dtype: 'F32', shape: [2], data: Float32Array.of(NaN, 1) });
    expect(errorOf(() => checkpointFromBytes(forged(() => {}, tensors))).message).toContain('state.1');
  });
});

describe('requireSameFit', () => {
  it('accepts the same', () => {
    const { identity } = checkpoint;
    expect(checkpointIdentity(checkpointToBytes(checkpoint))).toEqual(identity);
    expect(() => requireSameFit(identity, { seed: '7', prototypes: '2' })).not.toThrow();
  });

  it('takes no name for one that every object has', () => {
    expect(fitDifferences({ constructor: '1' }, {})).toBe('constructor was 1, is not set');
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
