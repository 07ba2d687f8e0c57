import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { tokenPass, type TokenPassOptions } from '../../src/pass/token-pass.ts';
import { tokenProgram } from '../../src/pass/token-program.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { errorOf, rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const source = tokensFromReader(tokensFromArray(Float64Array.of(1, 2, 3, 4, 5), 1));
const frame = { offset: Float64Array.of(0), scale: 1 };
const usual: TokenPassOptions = { dtype: 'float64', frame, width: 1, rows: 2 };
const total = tokenProgram('total', [], (z) => ({ sums: [sum(z)] }));
const nothing = { buffers: 0, bytes: 0 };

describe('a pass over tokens that is repeated', () => {
  it('uploads tokens once for passes that begin together', async () => {
    const backend = strictBackend();
    const pass = tokenPass(backend, source, { ...usual, repeated: true });
    const ready = await pass.compile(total);
    const both = await Promise.all([ready.sum([]), ready.sum([])]);
    expect(both.map(({ sums }) => sums[0]![0])).toEqual([15, 15]);
    // Tokens and weights of three blocks.
    expect(backend.memory().buffers).toBe(6);
    pass.dispose();
    expect(backend.memory()).toEqual(nothing);
  });

  it('leaves nothing if it is disposed while it uploads', async () => {
    const backend = strictBackend();
    const pass = tokenPass(backend, source, { ...usual, repeated: true });
    const first = (await pass.compile(total)).blocks([]).next();
    pass.dispose();
    expect((await rejection(first)).code).toBe('disposed');
    expect(backend.memory()).toEqual(nothing);
  });
});

describe('a pass over tokens', () => {
  it.each([
    ['a scale of 0', { ...frame, scale: 0 }, 'but is 0'],
    ['a scale of NaN', { ...frame, scale: NaN }, 'but is NaN'],
    ['an infinite scale', { ...frame, scale: Infinity }, 'but is Infinity'],
    ['an offset of another length', { ...frame, offset: new Float64Array(2) }, '1 here, but has 2'],
  ])('refuses %s', (_, wrong, text) => {
    const backend = strictBackend();
    expect(errorOf(() => tokenPass(backend, source, { ...usual, frame: wrong }))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining(text),
    });
    expect(backend.memory()).toEqual(nothing);
  });

  it.each([0, -1, 0.5, NaN])('refuses to cut blocks of %s tokens', async (size) => {
    const backend = strictBackend();
    const pass = tokenPass(backend, source, { ...usual, cut: (first) => (first < 2 ? 2 : size) });
    const error = await rejection((await pass.compile(total)).sum([]));
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining(`gave ${size} for the block`) });
    pass.dispose();
    expect(backend.memory()).toEqual(nothing);
  });

  it.each([false, true])('hears a signal that fires after its last block; repeated: %s', async (repeated) => {
    const pass = tokenPass(strictBackend(), source, { ...usual, repeated });
    const controller = new AbortController();
    const stopped = (await pass.compile(total)).sum([], {
      signal: controller.signal,
      onProgress: (done) => (done === 5 ? controller.abort() : undefined),
    });
    expect((await rejection(stopped)).code).toBe('aborted');
    pass.dispose();
  });

  it('disposes every executable, once', async () => {
    const backend = strictBackend();
    const disposed: string[] = [];
    const watched: Backend = {
      ...backend,
      async compile(program) {
        const executable = await backend.compile(program);
        return {
          ...executable,
          dispose() {
            disposed.push(program.name ?? '');
            executable.dispose();
          },
        };
      },
    };
    const pass = tokenPass(watched, source, usual);
    await pass.compile(total);
    await pass.compile({ ...total, name: 'again' });
    expect(disposed).toEqual([]);
    pass.dispose();
    pass.dispose();
    expect(disposed).toEqual(['total', 'again']);
  });
});
