import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { fromFloat16, toFloat16 } from '../../src/numbers/float16.ts';
import type { BlockResults } from '../../src/pass/pass-program.ts';
import { tokenPass, type TokenPassOptions } from '../../src/pass/token-pass.ts';
import { tokenProgram } from '../../src/pass/token-program.ts';
import { add, mul } from '../../src/program/ops/elementwise.ts';
import { reshape } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { tensorType } from '../../src/program/tensor-type.ts';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromFloat16 } from '../../src/tokens/from-float16.ts';
import { tokensFromIterable } from '../../src/tokens/from-iterable.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import type { TokenSource } from '../../src/tokens/token-source.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const [n, m] = [23, 3];
const random = createRandom(3);
const tokens = Float64Array.from({ length: n * m }, () => 50 + 4 * random.normal());
const weights = Float64Array.from({ length: n }, (_, index) => (index % 5 === 2 ? 0 : 0.5 + (index % 3)));
const source = tokensFromReader(tokensFromArray(tokens, m, weights));
const frame = { offset: Float64Array.of(50, 49, 51), scale: 4 };
const usual: TokenPassOptions = { dtype: 'float64', frame, width: 1, rows: 4 };

/** `sum_n a_n z_n` [m], `sum_n a_n` [], and of each token its sum plus a given number. */
const program = tokenProgram('moments', [tensorType('float64', [])], (z, a, shift) => ({
  sums: [reshape(matmul(reshape(a, [1, a.shape[0]!]), z), [m]), sum(a)],
  perToken: [add(sum(z, [1]), shift)],
}));
const shift = [{ dtype: 'float64', shape: [] }, Float64Array.of(7)] as const;

/** The same by hand. */
function expected(data: ArrayLike<number> = tokens, own: ArrayLike<number> = weights) {
  const [moments, perToken] = [new Float64Array(m), new Float64Array(n).fill(7)];
  for (let token = 0; token < n; token++) {
    for (let axis = 0; axis < m; axis++) {
      const z = own[token] === 0 ? 0 : (data[token * m + axis]! - frame.offset[axis]!) / frame.scale;
      moments[axis]! += own[token]! * z;
      perToken[token]! += z;
    }
  }
  return { moments, perToken, weight: Array.from(own).reduce((total, weight) => total + weight, 0) };
}

async function summed(backend: Backend, of: TokenSource, options: TokenPassOptions) {
  const pass = tokenPass(backend, of, options);
  try {
    const perToken: number[] = [];
    const ready = await pass.compile(program);
    return { ...(await ready.sum([shift], { onRows: (rows) => perToken.push(...rows!) })), perToken };
  } finally {
    pass.dispose();
  }
}

describe('a pass over tokens', () => {
  it('adds up in blocks of any size, and gives numbers per token in stored order without what fills up', async () => {
    const wanted = expected();
    for (const rows of [1, 4, 23, 64]) {
      const backend = strictBackend();
      const { sums, perToken, ...counted } = await summed(backend, source, { ...usual, rows });
      // A few roundings of numbers of order 1 in float64.
      sums[0]!.forEach((value, axis) => expect(value).toBeCloseTo(wanted.moments[axis]!, 12));
      expect(sums[1]![0]).toBeCloseTo(wanted.weight, 12);
      expect(perToken).toEqual(Array.from(wanted.perToken, (value) => expect.closeTo(value, 12)));
      expect(counted).toEqual({ tokens: n, weight: wanted.weight });
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    }
  });

  it('adds blocks up in float64, where float32 would lose the small ones', async () => {
    const large = Float32Array.from({ length: 300 }, (_, index) => (index === 0 ? 2 ** 24 : 1));
    const pass = tokenPass(strictBackend(), tokensFromReader(tokensFromArray(large, 1)), {
      ...usual,
      dtype: 'float32',
      frame: { offset: new Float64Array(1), scale: 1 },
      rows: 1,
    });
    const total = await pass.compile(tokenProgram('total', [], (z) => ({ sums: [sum(z)] })));
    expect((await total.sum([])).sums).toEqual([Float64Array.of(2 ** 24 + 299)]);
    pass.dispose();
  });

  it('sees no number of a token of weight 0, unless they are wanted', async () => {
    const spoilt = tokens.map((value, index) => (weights[Math.floor(index / m)] === 0 ? 1e300 : value));
    const of = tokensFromReader(tokensFromArray(spoilt, m, weights));
    const { sums, perToken } = await summed(strictBackend(), of, usual);
    expect(Array.from(sums[0]!)).toEqual(Array.from(expected().moments, (value) => expect.closeTo(value, 12)));
    expect(perToken[2]).toBe(7);
    expect((await summed(strictBackend(), of, { ...usual, keepUnweighted: true })).perToken[2]).toBeGreaterThan(1e299);
  });

  it('takes tokens in half precision as they are, and maps them into the frame on the device', async () => {
    const halves = toFloat16(Float32Array.from(tokens));
    const ones = new Float64Array(n).fill(1);
    const wanted = expected(fromFloat16(halves), ones);
    const half = tokenProgram('moments', [], (z, a) => ({
      sums: [matmul(reshape(a, [1, a.shape[0]!]), z)],
      perToken: [sum(mul(z, z), [1])],
    }));
    const backend = strictBackend();
    const sent: string[] = [];
    const watched: Backend = {
      ...backend,
      capabilities: { ...backend.capabilities, dtypes: [...backend.capabilities.dtypes, 'float16'] },
      upload(type, data) {
        sent.push(type.dtype);
        return backend.upload(type, data);
      },
    };
    // An offset that float32 does not hold exactly.
    const uneven = { offset: Float64Array.of(50, 49.1, 51), scale: 4 };
    const pass = tokenPass(watched, tokensFromReader(tokensFromFloat16(halves, m)), {
      ...usual,
      dtype: 'float32',
      frame: uneven,
    });
    expect(Array.from(pass.frame.offset)).toEqual([50, Math.fround(49.1), 51]);
    const { sums, weight } = await (await pass.compile(half)).sum([]);
    expect(sent.filter((dtype) => dtype === 'float16')).toHaveLength(Math.ceil(n / 4));
    expect(weight).toBe(n);
    const shifted = (n * (49 - Math.fround(49.1))) / 4;
    // Float32 sums of 4 numbers of order 1.
    expect(sums[0]![0]).toBeCloseTo(wanted.moments[0]!, 5);
    expect(sums[0]![1]).toBeCloseTo(wanted.moments[1]! + shifted, 5);
    pass.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('gives zeros for no tokens', async () => {
    const none = tokensFromReader(tokensFromArray(new Float64Array(0), m));
    expect(await summed(strictBackend(), none, usual)).toEqual({
      sums: [new Float64Array(m), new Float64Array(1)],
      perToken: [],
      tokens: 0,
      weight: 0,
    });
  });

  it('ends blocks where it is told to, and gives each the parameters that go with it', async () => {
    const backend = strictBackend();
    const pass = tokenPass(backend, source, { ...usual, cut: (first) => (first < 6 ? 2 : 4) });
    const ready = await pass.compile(
      tokenProgram('beside', [tensorType('float64', []), tensorType('float64', [4])], (_z, a, own, beside) => ({
        perToken: [add(mul(beside, own), mul(a, 0))],
      })),
    );
    const blocks: BlockResults[] = [];
    const beside = (first: number) =>
      [[{ dtype: 'float64', shape: [4] }, Float64Array.of(first, first + 1, first + 2, first + 3)]] as const;
    for await (const block of ready.blocks([shift], { beside })) blocks.push(block);
    expect(blocks.map(({ first, rows }) => [first, rows])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 4],
      [10, 4],
      [14, 4],
      [18, 4],
      [22, 1],
    ]);
    expect(blocks.flatMap(({ perToken }) => [...perToken[0]!])).toEqual(Array.from({ length: n }, (_, i) => 7 * i));
    expect(blocks.flatMap(({ tokenWeights }) => [...tokenWeights])).toEqual([...weights]);
    pass.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('leaves the buffers of others alone', async () => {
    const backend = strictBackend();
    const mine = backend.upload(...shift);
    const pass = tokenPass(backend, source, usual);
    const { sums } = await (await pass.compile(program)).sum([mine]);
    pass.dispose();
    expect(sums[1]![0]).toBeCloseTo(expected().weight, 12);
    expect(Array.from(await backend.download(mine))).toEqual([7]);
    expect(backend.memory()).toEqual({ buffers: 1, bytes: 8 });
  });
});

describe('on the device', () => {
  /** A backend that counts blocks that are uploaded, and the most buffers it held at an upload. */
  function watched() {
    const backend = strictBackend();
    const seen = { tokens: 0, most: 0 };
    return {
      seen,
      backend: {
        ...backend,
        upload(type, data) {
          if (type.shape.length === 2) seen.tokens++;
          const buffer = backend.upload(type, data);
          seen.most = Math.max(seen.most, backend.memory().buffers);
          return buffer;
        },
      } satisfies Backend,
    };
  }

  it('stay all tokens of a repeated pass, uploaded once, if they are few; they go with it', async () => {
    const { backend, seen } = watched();
    const pass = tokenPass(backend, source, { ...usual, repeated: true });
    const ready = await pass.compile(program);
    const [first, second] = [await ready.sum([shift]), await ready.sum([shift])];
    expect(second).toEqual(first);
    expect(seen.tokens).toBe(6);
    expect(backend.memory().buffers).toBe(12);
    pass.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    const many = watched();
    const streamed = tokenPass(many.backend, source, { ...usual, repeated: true, tokens: 2 ** 30 });
    const again = await streamed.compile(program);
    expect([await again.sum([shift]), await again.sum([shift])]).toEqual([first, first]);
    expect(many.seen.tokens).toBe(12);
    streamed.dispose();
  });

  it('the next block is read and uploaded while it works on the one before, and no more than that', async () => {
    const { backend, seen } = watched();
    const events: string[] = [];
    const slow: Backend = {
      ...backend,
      async compile(traced) {
        const executable = await backend.compile(traced);
        return {
          ...executable,
          async run(inputs, options) {
            events.push('run');
            // Longer than the source takes.
            await new Promise((resolve) => setTimeout(resolve, 5));
            events.push('done');
            return executable.run(inputs, options);
          },
        };
      },
    };
    const stream = tokensFromIterable({
      dimension: m,
      async *open() {
        for (let row = 0; row < 12; row += 4) {
          events.push('read');
          yield { data: tokens.subarray(row * m, (row + 4) * m), rows: 4 };
        }
      },
    });
    await summed(slow, stream, usual);
    expect(events).toEqual(['read', 'run', 'read', 'done', 'run', 'read', 'done', 'run', 'done']);
    // The shift, and tokens and weights of two blocks.
    expect(seen).toEqual({ tokens: 3, most: 5 });
  });
});

describe.each([false, true])('whatever goes wrong, the device holds what it held before; repeated: %s', (repeated) => {
  /** A backend that breaks at the given call of a kind. */
  function breaking(kind: 'upload' | 'run' | 'download', at: number) {
    const backend = strictBackend();
    let calls = 0;
    const call = (own: string): void => {
      if (own === kind && ++calls === at) throw new Error('the device caught fire');
    };
    const broken: Backend = {
      ...backend,
      upload(type, data) {
        call('upload');
        return backend.upload(type, data);
      },
      async download(buffer) {
        call('download');
        return backend.download(buffer);
      },
      async compile(traced) {
        const executable = await backend.compile(traced);
        return {
          ...executable,
          async run(inputs, options) {
            call('run');
            return executable.run(inputs, options);
          },
        };
      },
    };
    return { broken, backend };
  }

  it.each([
    // 6 blocks: tokens and weights of each, and the shift.
    ['upload', 13],
    ['run', 6],
    ['download', 18],
  ] as const)('%s', async (kind, calls) => {
    for (let at = 1; at <= calls + 1; at++) {
      const { broken, backend } = breaking(kind, at);
      const made = summed(broken, source, { ...usual, repeated });
      if (at > calls) await made;
      else await expect(made, `call ${at}`).rejects.toThrow('the device caught fire');
      expect(backend.memory(), `call ${at}`).toEqual({ buffers: 0, bytes: 0 });
    }
  });

  it('the source breaks, or gives what is no token', async () => {
    const last = { data: Float64Array.of(1, NaN, 1), rows: 1 };
    for (const end of ['break', 'NaN'] as const) {
      const backend = strictBackend();
      const stream = tokensFromIterable({
        dimension: m,
        async *open() {
          yield { data: tokens, rows: n };
          if (end === 'break') throw new Error('the disk is gone');
          yield last;
        },
      });
      await expect(summed(backend, stream, { ...usual, repeated })).rejects.toThrow(
        end === 'break' ? 'the disk is gone' : 'Token 23 (counted from 0) holds NaN',
      );
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    }
  });

  it('its user stops it, by a signal or by not going on', async () => {
    const backend = strictBackend();
    let open = 0;
    const stream = tokensFromIterable({
      dimension: m,
      async *open() {
        open++;
        try {
          for (let row = 0; row < n; row++) yield { data: tokens.subarray(row * m, (row + 1) * m), rows: 1 };
        } finally {
          open--;
        }
      },
    });
    const pass = tokenPass(backend, stream, { ...usual, repeated });
    const ready = await pass.compile(program);
    const controller = new AbortController();
    const reason = new Error('the user went home');
    const seen: number[] = [];
    const error = await rejection(
      ready.sum([shift], {
        signal: controller.signal,
        onProgress(done) {
          seen.push(done);
          if (done === 8) controller.abort(reason);
        },
      }),
    );
    expect(error).toMatchObject({ code: 'aborted', cause: reason });
    expect(seen).toEqual([4, 8]);
    for await (const { first } of ready.blocks([shift])) if (first === 4) break;
    expect(open).toBe(0);
    pass.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
