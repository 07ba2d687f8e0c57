import * as ort from 'onnxruntime-node';
import { cpuBackend } from '@ddcl/backend-cpu';
import { ortBackend } from '@ddcl/backend-ort';
import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { readoutOutputs } from '@ddcl/core/fit';
import { Readout, type Encoded, type TokenBatch } from '../../src/index.ts';
import { referenceReadout, sample, tolerance, type PlainSequence } from './reference.ts';

type Sample = ReturnType<typeof sample>;

/** Packed, in order. */
function packed(
  sequences: readonly PlainSequence[],
  m: number,
  Type: typeof Float32Array | typeof Float64Array,
): TokenBatch {
  const rows = sequences.flatMap(({ tokens }) => tokens);
  return {
    data: Type.from(rows.flat()),
    shape: [rows.length, m],
    segments: sequences.flatMap(({ tokens }, s) => tokens.map(() => s)),
    weights: sequences.flatMap(({ weights }) => weights),
  };
}

/** Padded with numbers that must not matter, to the left or to the right. */
function padded(
  sequences: readonly PlainSequence[],
  m: number,
  Type: typeof Float32Array | typeof Float64Array,
  { left = false, extra = 0, bigint = false } = {},
): TokenBatch {
  const length = Math.max(...sequences.map(({ tokens }) => tokens.length)) + extra;
  const data = new Type(sequences.length * length * m).fill(123);
  const mask = new Uint8Array(sequences.length * length);
  const weights = new Float64Array(sequences.length * length).fill(1);
  sequences.forEach((sequence, s) => {
    const shift = left ? length - sequence.tokens.length : 0;
    sequence.tokens.forEach((token, n) => {
      data.set(token, (s * length + shift + n) * m);
      mask[s * length + shift + n] = 1;
      weights[s * length + shift + n] = sequence.weights[n]!;
    });
  });
  return {
    data,
    shape: [sequences.length, length, m],
    mask: bigint ? BigInt64Array.from(mask, BigInt) : mask,
    weights,
  };
}

function compare(encoded: Encoded, normal: Encoded, { model, sequences }: Sample, allowed: number): void {
  const { count: K, dimension: m } = model;
  const row = (name: 'pooled' | 'occupancy' | 'summaries' | 'residuals', s: number, from = encoded): number[] => {
    const { data, shape } = from[name]!;
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    return [...data.subarray(s * width, (s + 1) * width)];
  };
  const close = (what: string, got: readonly number[], wanted: readonly number[], factor = 1): void => {
    const worst = Math.max(...wanted.map((x, i) => Math.abs(got[i]! - x)));
    expect(worst, what).toBeLessThanOrEqual(allowed * factor);
  };
  sequences.forEach((sequence, s) => {
    if (sequence.tokens.length === 0) {
      for (const name of ['pooled', 'occupancy', 'summaries', 'residuals'] as const)
        expect(
          row(name, s).every((x) => x === 0),
          name,
        ).toBe(true);
      return;
    }
    const wanted = referenceReadout(model, sequence);
    const total = sequence.weights.reduce((a, b) => a + b, 0);
    close(`pooled ${s}`, row('pooled', s), wanted.pooled);
    close(`occupancy ${s}`, row('occupancy', s), wanted.occupancy);
    // Sums over tokens, so as many times the rounding.
    close(`residuals ${s}`, row('residuals', s), wanted.residuals.flat(), total);
    close(`vlad ${s}`, row('residuals', s, normal), wanted.vlad.flat());
    wanted.mass.forEach((mass, k) => {
      // float32 has no numbers for less.
      if (mass > 1e-20) close(`summary ${s} ${k}`, row('summaries', s).slice(k * m, (k + 1) * m), wanted.summaries[k]!);
    });
    const length = encoded.outputs!.shape.length === 3 ? undefined : true;
    if (length === undefined) return;
    const first = sequences.slice(0, s).reduce((sum, { tokens }) => sum + tokens.length, 0);
    sequence.tokens.forEach((_, n) => {
      const at = first + n;
      close(`output ${at}`, [...encoded.outputs!.data.subarray(at * m, (at + 1) * m)], wanted.outputs[n]!);
      close(`q ${at}`, [...encoded.assignments!.data.subarray(at * K, (at + 1) * K)], wanted.assignments[n]!);
    });
  });
}

const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: async () => cpuBackend(),
  ort: () => ortBackend({ runtime: ort, executionProviders: ['cpu'] }),
};

describe.each(Object.keys(backends))('encode on %s', (name) => {
  it.each([
    ['near 0', 0, 0.8],
    ['far from 0, where the offset comes off first', 300, 0.8],
    ['at a low temperature', 0, 0.05],
  ])('agrees with the definition on ragged batches %s', async (_, far, temperature) => {
    const backend = await backends[name]!();
    const made = sample([3, 0, 17, 1, 64, 30, 5, 9, 600, 2], { far, temperature });
    made.sequences[3] = { tokens: made.sequences[3]!.tokens, weights: [0.25] };
    made.sequences[4] = {
      tokens: made.sequences[4]!.tokens,
      weights: made.sequences[4]!.weights.map((_, n) => 0.5 + (n % 3)),
    };
    const { model, sequences } = made;
    const allowed = tolerance(
      model,
      sequences.flatMap(({ tokens }) => tokens),
    );
    const readout = Readout.fromModel(model, { backend });
    for (const batch of [
      packed(sequences, 7, Float32Array),
      padded(sequences, 7, Float32Array),
      padded(sequences, 7, Float32Array, { left: true, extra: 5, bigint: true }),
    ]) {
      const encoded = await readout.encode(batch, { outputs: readoutOutputs });
      const normal = await readout.encode(batch, { outputs: ['residuals'], normalize: true });
      expect(encoded).toMatchObject({ sequences: 10, empty: 1, tokens: 731 });
      compare(encoded, normal, made, allowed);
    }
    readout.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    backend.dispose();
  });

  it('gives a document the same numbers in any batch, order and padding', async () => {
    const backend = await backends[name]!();
    const { model, sequences } = sample([12, 3, 40, 7, 128, 33, 1, 65], { m: 16, K: 8 });
    const readout = Readout.fromModel(model, { backend });
    const outputs = ['pooled', 'occupancy', 'summaries', 'residuals'] as const;
    const all = await readout.encode(packed(sequences, 16, Float32Array), { outputs });
    for (const [s, sequence] of sequences.entries()) {
      const variants = [
        packed([sequence], 16, Float32Array),
        padded([sequence], 16, Float32Array, { extra: 31 }),
        padded([sequences[4]!, sequence].reverse(), 16, Float32Array, { left: true }),
      ];
      for (const variant of variants) {
        const alone = await readout.encode(variant, { outputs });
        for (const output of outputs) {
          const width = all[output]!.shape.slice(1).reduce((a, b) => a * b, 1);
          const scale = output === 'residuals' ? sequence.tokens.length : 1;
          for (let i = 0; i < width; i++)
            expect(
              Math.abs((alone[output]!.data[i]! as number) - (all[output]!.data[s * width + i]! as number)),
            ).toBeLessThan(1e-6 * scale * 4);
        }
      }
    }
    backend.dispose();
  });
});

describe('encode', () => {
  it('is exact to rounding in float64', async () => {
    const made = sample([3, 17, 600], { dtype: 'float64' });
    const readout = Readout.fromModel(made.model, { backend: cpuBackend() });
    const batch = packed(made.sequences, 7, Float64Array);
    const encoded = await readout.encode(batch, { outputs: readoutOutputs });
    expect(encoded.pooled!.precision).toBe('float64');
    compare(encoded, await readout.encode(batch, { outputs: ['residuals'], normalize: true }), made, 1e-12);
  });

  it('puts token outputs where the tokens stand, zeros at padding, whatever the order of segments', async () => {
    const { model, sequences } = sample([4, 4]);
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const rows = [0, 1, 2, 3].flatMap((n) => sequences.map(({ tokens }) => tokens[n]!));
    const mixed = await readout.encode(
      { data: Float32Array.from(rows.flat()), shape: [8, 7], segments: [0, 1, 0, 1, 0, 1, 0, 1] },
      { outputs: ['outputs', 'pooled'] },
    );
    const wanted = sequences.map((sequence) => referenceReadout(model, sequence));
    rows.forEach((_, at) => {
      const output = wanted[at % 2]!.outputs[Math.floor(at / 2)]!;
      output.forEach((x, i) => expect(mixed.outputs!.data[at * 7 + i]).toBeCloseTo(x, 4));
    });
    wanted[1]!.pooled.forEach((x, i) => expect(mixed.pooled!.data[7 + i]).toBeCloseTo(x, 4));
    const masked = await readout.encode(padded([sequences[0]!], 7, Float32Array, { extra: 2 }), {
      outputs: ['outputs', 'assignments'],
    });
    expect(masked.outputs!.shape).toEqual([1, 6, 7]);
    expect([...masked.outputs!.data.subarray(4 * 7)].every((x) => x === 0)).toBe(true);
    expect([...masked.assignments!.data.subarray(4 * 5)].every((x) => x === 0)).toBe(true);
  });

  it('takes another temperature without changing the readout', async () => {
    const { model, sequences } = sample([20]);
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const batch = packed(sequences, 7, Float32Array);
    const before = await readout.encode(batch, { outputs: ['occupancy'] });
    const hot = await readout.encode(batch, { outputs: ['occupancy'], temperature: 8 });
    referenceReadout(model, sequences[0]!, 8).occupancy.forEach((x, k) =>
      expect(hot.occupancy!.data[k]).toBeCloseTo(x, 5),
    );
    // Half of the model's critical temperature.
    const share = { ofCritical: 8 / (2 * model.criticalTemperature) };
    const shared = await readout.encode(batch, { outputs: ['occupancy'], temperature: share });
    referenceReadout(model, sequences[0]!, 4).occupancy.forEach((x, k) =>
      expect(shared.occupancy!.data[k]).toBeCloseTo(x, 5),
    );
    expect(await readout.encode(batch, { outputs: ['occupancy'] })).toEqual(before);
    expect(readout.model).toBe(model);
  });

  it('gives the same for whole rows, which are not copied, as for the same tokens with weights, which are', async () => {
    const { model, sequences } = sample([16, 16, 16, 16, 16, 16, 16, 16]);
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const whole: TokenBatch = {
      data: Float32Array.from(sequences.flatMap(({ tokens }) => tokens).flat()),
      shape: [8, 16, 7],
    };
    const before = whole.data.slice();
    const outputs = readoutOutputs;
    expect(await readout.encode(whole, { outputs })).toEqual(
      await readout.encode({ ...whole, weights: new Float32Array(128).fill(1) }, { outputs }),
    );
    expect(whole.data).toEqual(before);
    const swapped = sequences
      .flatMap(({ tokens }) => tokens.map((_, n) => n))
      .map((_, at) => (at % 2) * 4 + Math.floor(at / 32));
    const mixed = await readout.encode(
      { data: whole.data, shape: [128, 7], segments: swapped },
      { outputs: ['pooled'] },
    );
    for (let s = 0; s < 8; s++) {
      const rows = swapped.flatMap((segment, at) =>
        segment === s ? [[...whole.data.subarray(at * 7, at * 7 + 7)]] : [],
      );
      const wanted = referenceReadout(model, { tokens: rows, weights: rows.map(() => 1) }).pooled;
      wanted.forEach((x, i) => expect(mixed.pooled.data[s * 7 + i]).toBeCloseTo(x, 4));
    }
  });

  it('joins a stream, batch by batch', async () => {
    const { model, sequences } = sample([5, 0, 9, 70, 2]);
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const outputs = ['pooled', 'summaries', 'outputs'] as const;
    const all = await readout.encode(packed(sequences, 7, Float32Array), { outputs, precision: 'int8' });
    async function* stream(): AsyncGenerator<TokenBatch> {
      yield packed(sequences.slice(0, 1), 7, Float32Array);
      yield padded(sequences.slice(1, 4), 7, Float32Array);
      yield packed(sequences.slice(4), 7, Float32Array);
    }
    const joined = await readout.encode(stream(), { outputs, precision: 'int8' });
    expect(joined).toMatchObject({ sequences: 5, empty: 1, tokens: 86 });
    expect(joined.pooled!.data).toEqual(all.pooled!.data);
    expect(joined.summaries).toEqual(all.summaries);
    expect(joined.outputs!.shape).toEqual([5 + 3 * 70 + 2, 7]);
  });

  it('runs several encodes at once', async () => {
    const { model, sequences } = sample([5, 9, 33]);
    const readout = Readout.fromModel(model, { backend: await backends['ort']!() });
    const batches = sequences.map((sequence) => packed([sequence], 7, Float32Array));
    const one = [];
    for (const batch of batches) one.push(await readout.encode(batch));
    expect(await Promise.all(batches.map((batch) => readout.encode(batch)))).toEqual(one);
  });
});

describe('bad input', () => {
  const { model, sequences } = sample([3, 4]);
  const readout = Readout.fromModel(model, { backend: cpuBackend() });
  const good = packed(sequences, 7, Float32Array);

  it.each([
    [
      'a mask of the wrong size',
      { data: new Float32Array(28), shape: [2, 2, 7], mask: [1, 1, 1] },
      {},
      /mask must have one number per token of \[2, 2, 7\]: \[2, 2\], which is 4 numbers, but has 3/,
    ],
    [
      'a mask for packed tokens',
      good,
      { mask: [1, 1, 1, 1, 1, 1, 1] },
      /mask goes with tokens of shape \[batch, sequence, m\]/,
    ],
    [
      'segments for padded tokens',
      { data: new Float32Array(28), shape: [2, 2, 7] },
      { segments: [0, 0, 1, 1] },
      /segments goes with tokens of shape \[tokens, m\]/,
    ],
    [
      'another hidden size',
      { data: new Float32Array(12), shape: [2, 6] },
      {},
      /fitted on tokens of hidden size 7, but these have 6/,
    ],
    [
      'numbers that do not fill the shape',
      { data: new Float32Array(13), shape: [2, 7] },
      {},
      /14 numbers, but there are 13/,
    ],
    [
      'a shape with one axis',
      { data: new Float32Array(7), shape: [7] },
      {},
      /\[tokens, m\] or \[batch, sequence, m\], but \[7\]/,
    ],
    ['a negative segment', { data: new Float32Array(14), shape: [2, 7] }, { segments: [0, -1] }, /token 1 .* has -1/],
    ['a negative weight', { data: new Float32Array(14), shape: [2, 7] }, { weights: [1, -2] }, /token 1 .* has -2/],
    ['an output that there is not', good, { outputs: ['mean'] }, /outputs must name some of .*'mean'/],
    ['no output', good, { outputs: [] }, /is empty/],
    ['binary occupancy', good, { outputs: ['occupancy'], precision: 'binary' }, /occupancy has no negative numbers/],
    ['a temperature of T_c', good, { temperature: { ofCritical: 1 } }, /must be > 0 and < 1/],
    ['a temperature of 0', good, { temperature: 0 }, /temperature must be a number > 0/],
  ])('%s is refused', async (_, batch, options, message) => {
    await expect(readout.encode(batch as TokenBatch, options as never)).rejects.toThrow(message);
  });

  it('names the sequence with a NaN, and lets padding hold anything', async () => {
    const bad = { ...good, data: good.data.slice() };
    bad.data[3 * 7 + 2] = NaN;
    for (const outputs of [['pooled'], ['outputs'], ['residuals'], ['assignments']] as const)
      await expect(readout.encode(bad, { outputs })).rejects.toThrow(
        /tokens of sequence 1 \(counted from 0\).*not finite/,
      );
    const paddedBatch = padded(sequences, 7, Float32Array);
    paddedBatch.data.fill(NaN, 3 * 7, 4 * 7);
    await expect(readout.encode(paddedBatch)).resolves.toMatchObject({ sequences: 2, tokens: 7 });
  });

  it('refuses streams of mixed dtypes or hidden sizes', async () => {
    const other = { data: new Float64Array(14), shape: [2, 7] };
    await expect(readout.encode([good, other])).rejects.toThrow(
      /Batch 1 .* is a Float64Array, but those before it Float32Array/,
    );
    await expect(readout.encode([good, { data: new Float32Array(6), shape: [1, 6] }])).rejects.toThrow(/hidden size 6/);
    await expect(readout.encode([good], { mask: [1] })).rejects.toThrow(/mask beside a stream/);
    await expect(readout.encode([])).rejects.toThrow(/no batch/);
  });
});
