import { describe, expect, it } from 'vitest';
import { encodeSegments } from '../../src/encode/encode-segments.ts';
import { encodeTokens } from '../../src/encode/encode-tokens.ts';
import { readoutProgram, type ReadoutProgramOptions } from '../../src/encode/readout-program.ts';
import type { DdclModel } from '../../src/model/model.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { errorOf, rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const model: DdclModel = {
  count: 2,
  dimension: 1,
  dtype: 'float32',
  prototypes: Float64Array.of(0, 2),
  temperature: 1,
  criticalTemperature: 4,
  offset: Float64Array.of(1),
  scale: 1,
  totalVariance: 1,
};
const source = tokensFromReader(tokensFromArray(Float32Array.of(0, 1, 3), 1));

describe('a temperature', () => {
  it.each([NaN, 0, -1, Infinity, 1e-40])('of %s is refused where it is taken', async (temperature) => {
    const backend = strictBackend();
    const [code, options] = ['temperature', { temperature }] as const;
    expect(await rejection(encodeTokens(backend, model, source, 'outputs', options).next())).toMatchObject({ code });
    const ids = Int32Array.of(0, 0, 1);
    const pooled = encodeSegments(backend, model, source, ids, 'pooled', options);
    expect(await rejection(pooled.next())).toMatchObject({ code });
    expect(errorOf(() => readoutProgram(model, options))).toMatchObject({ code });
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('that is the least one gives numbers also far away, in float32 and float64', async () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const tiny = { temperature: 1e-320, dtype };
      const { message } = await rejection(encodeTokens(strictBackend(), model, source, 'outputs', tiny).next());
      const least = Number(/at least (\S+) here/.exec(message)![1]) * 1.01;
      const far = tokensFromReader(tokensFromArray(Float32Array.of(-1000, 1000), 1));
      const options = { temperature: least, dtype };
      const { value } = await encodeTokens(strictBackend(), model, far, 'assignments', options).next();
      expect([...value!.data]).toEqual([1, 0, 0, 1]);
    }
  });
});

describe('readoutProgram', () => {
  it.each([
    [{ layout: 'paded' }, "must be 'packed' or 'padded', but is 'paded'"],
    [{ outputs: ['pooled', 'outputs', 'pooled'] }, "has 'pooled' twice"],
  ])('refuses %o', (options, text) => {
    const error = errorOf(() => readoutProgram(model, options as ReadoutProgramOptions));
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining(text) });
  });
});

describe('encodeSegments', () => {
  it('takes ids as an Int32Array only', async () => {
    const ids = [0, 0, 1] as unknown as Int32Array;
    expect(await rejection(encodeSegments(strictBackend(), model, source, ids, 'pooled').next())).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('an Int32Array, but Array came'),
    });
  });

  it.each([
    ['behind the tokens of others', Int32Array.of(0, 1, 2 ** 31 - 2)],
    ['between them', Int32Array.of(0, 2 ** 31 - 3, 2 ** 31 - 2)],
    ['not sorted', Int32Array.of(2 ** 31 - 2, 0, 1)],
  ])('stops among the segments that an id leaves out, %s', async (_, ids) => {
    const backend = strictBackend();
    const controller = new AbortController();
    const { signal } = controller;
    let rows = 0;
    const all = async (): Promise<void> => {
      for await (const part of encodeSegments(backend, model, source, ids, 'occupancy', { signal })) {
        rows += part.rows;
        if (rows > 1500) controller.abort();
      }
    };
    expect((await rejection(all())).code).toBe('aborted');
    expect(rows).toBeLessThan(4000);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
