import { cpuBackend } from '@ddcl/backend-cpu';
import { toFloat16 } from '@ddcl/core/safetensors';
import type { FeatureExtractionPipeline } from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extractTokens, type FeatureExtractor } from '../../src/pipeline/extract-tokens.ts';
import { readoutPipeline } from '../../src/pipeline/readout-pipeline.ts';
import { Readout } from '../../src/readout/readout.ts';
import type { TokenBatch } from '../../src/sequences/token-batch.ts';
import { difference, features, fitReadout, texts } from './film-texts.ts';
import { tinyExtractor } from './tiny-extractor.ts';

let extractor: FeatureExtractionPipeline;
let readout: Readout;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ extractor, close } = await tinyExtractor());
  readout = await fitReadout(extractor);
});
afterAll(async () => {
  readout?.dispose();
  await close?.();
});

/** float32 through two layers, in products that are cut in another way for another batch. */
const tolerance = 1e-5;

async function batches(list: readonly string[], batch: number): Promise<TokenBatch[]> {
  const all: TokenBatch[] = [];
  for await (const each of extractTokens(extractor, list, { batch })) all.push(each);
  return all;
}

describe('token vectors of a pipeline', () => {
  it('are those that the pipeline gives without pooling, in the order of the texts, which run in order of length', async () => {
    const [first, second, ...others] = await batches(texts, 4);
    expect(others).toEqual([]);
    const counts: number[] = [];
    for (const [batch, list] of [
      [first!, texts.slice(0, 4)],
      [second!, texts.slice(4)],
    ] as const) {
      const [rows = 0, length = 0, width] = batch.shape;
      expect([rows, width]).toEqual([list.length, 32]);
      for (const [row, text] of list.entries()) {
        const own = await extractor(text);
        const mask = Array.from(batch.mask as ArrayLike<number>, Number).slice(row * length, (row + 1) * length);
        const count = own.dims[1]!;
        counts.push(count);
        expect(mask).toEqual(Array.from({ length }, (_, place) => (place < count ? 1 : 0)));
        const vectors = batch.data.subarray(row * length * 32, (row * length + count) * 32);
        vectors.forEach((value, index) => {
          if (Math.abs(value - (own.data as Float32Array)[index]!) > tolerance) expect(value).toBe(own.data[index]);
        });
      }
    }
    // [CLS] and [SEP] count; '' has nothing else; the last text is cut at the 64 positions of the encoder.
    expect(counts).toEqual([4, expect.any(Number), 2, 5, 13, 6, 64]);
    expect(first!.shape[1]).toBe(counts[1]);
    const asked: number[][] = [];
    const watched: FeatureExtractor = {
      ...extractor,
      model: (inputs) => extractor.model(inputs),
      tokenizer: (list, options) => {
        asked.push(list.map(({ length }) => length));
        return extractor.tokenizer(list, options);
      },
    };
    const told: unknown[] = [];
    const tokens = extractTokens(watched, texts, { batch: 4, onProgress: (progress) => told.push(progress) });
    for await (const _ of tokens);
    const lengths = texts.map(({ length }) => length).sort((a, b) => b - a);
    expect(asked).toEqual([lengths.slice(0, 4), lengths.slice(4)]);
    expect(told).toEqual([
      { texts: 4, total: 7 },
      { texts: 7, total: 7 },
    ]);
  });

  it('are read once by a fit that is given them as they come, and that is the fit of a function that opens them', async () => {
    let runs = 0;
    const counted: FeatureExtractor = {
      tokenizer: (list, options) => extractor.tokenizer(list, options),
      model: (inputs) => {
        runs++;
        return extractor.model(inputs);
      },
    };
    // Two restarts and passes at the end: each would read a stream anew.
    const options = { backend: cpuBackend(), prototypes: 3, steps: 20, batch: 64, restarts: 2, records: 2 };
    const once = await Readout.fit(extractTokens(counted, texts, { batch: 3 }), options);
    expect(runs).toBe(3);
    const anew = await Readout.fit(() => extractTokens(counted, texts, { batch: 3 }), options);
    expect(runs).toBeGreaterThan(6);
    // Other pools to draw from, so not the same bits: as good a fit of the same tokens.
    expect(once.fitted!.quantities.loss.hard / anew.fitted!.quantities.loss.hard).toBeCloseTo(1, 1);
    expect(once.fitted!.model.totalVariance).toBeCloseTo(anew.fitted!.model.totalVariance, 5);
  });

  it.each<[string, Partial<FeatureExtractor>, string]>([
    [
      'tokenizer',
      {
        tokenizer: () => {
          throw new Error('no such\nscript');
        },
      },
      'One of texts 0, 1 (counted from 0): the tokenizer fails (no such). Leave it out, or take tokenizer and model of one encoder.',
    ],
    [
      'encoder',
      {
        model: async () => {
          throw new Error('idx=3000 must be within [-3000,2999]');
        },
      },
      'One of texts 0, 1 (counted from 0): the encoder fails (idx=3000 must be within [-3000,2999]). Leave it out, or take tokenizer and model of one encoder.',
    ],
  ])('of a %s that fails name the texts', async (_, part, message) => {
    const failing = { tokenizer: extractor.tokenizer, model: extractor.model, ...part } as FeatureExtractor;
    await expect(extractTokens(failing, ['a', 'b']).next()).rejects.toMatchObject({ code: 'data', message });
  });

  it('come as float32 from half precision', async () => {
    const numbers = Float32Array.of(0.5, -2, 1, 3, 0, 1);
    const answer = (data: unknown): FeatureExtractor => ({
      tokenizer: () => ({ attention_mask: { data: BigInt64Array.of(1n, 1n), dims: [1, 2] } }),
      model: async () => ({ last_hidden_state: { data, dims: [1, 2, 3] } }),
    });
    const { value } = await extractTokens(answer(toFloat16(numbers)), 'x').next();
    expect(value).toMatchObject({ data: numbers, shape: [1, 2, 3] });
    await expect(extractTokens(answer(new Int8Array(6)), 'x').next()).rejects.toMatchObject({
      code: 'dtype',
      message: expect.stringContaining('Int8Array'),
    });
  });

  it('of a stream of texts are asked for window by window', async () => {
    let taken = 0;
    async function* stream(): AsyncGenerator<string> {
      for (;;) {
        taken++;
        yield `${'stone '.repeat(400)}${taken}`;
      }
    }
    const answer: FeatureExtractor = {
      tokenizer: (list) => ({
        attention_mask: { data: new BigInt64Array(list.length).fill(1n), dims: [list.length, 1] },
        list,
      }),
      model: async (inputs) => {
        const { list } = inputs as { readonly list: string[] };
        return {
          last_hidden_state: {
            data: Float32Array.from(list, (text) => Number(text.slice(2400))),
            dims: [list.length, 1, 1],
          },
        };
      },
    };
    const tokens = extractTokens(answer, stream(), { batch: 3 });
    const { value } = await tokens.next();
    expect((value as TokenBatch).data).toEqual(Float32Array.of(1, 2, 3));
    // 2^17 characters of texts of 2048 and 16, in whole batches of 3.
    expect(taken).toBe(66);
  });
});

describe('readoutPipeline', () => {
  it('gives the same for every batch size, and for each text alone', async () => {
    const together = await features(extractor, readout, texts);
    expect(together.pooled).toHaveLength(texts.length * 32);
    for (const batch of [1, 2, 3]) {
      expect(difference(await features(extractor, readout, texts, batch), together)).toBeLessThan(tolerance);
    }
    for (const [index, text] of texts.entries()) {
      const alone = await features(extractor, readout, text);
      const row = <T extends number[]>(values: T): number[] => {
        const width = values.length / texts.length;
        return values.slice(index * width, (index + 1) * width);
      };
      const { pooled, occupancy, summaries, residuals } = together;
      const expected = {
        pooled: row(pooled),
        occupancy: row(occupancy),
        summaries: row(summaries),
        residuals: row(residuals),
      };
      expect(difference(alone, expected)).toBeLessThan(tolerance);
    }
  });

  it('weighs the tokens of a text as the definition says, and padding not at all', async () => {
    const { count, dimension, prototypes, temperature } = readout.model;
    const { occupancy, tokens, sequences, empty } = await readoutPipeline(extractor, readout)(texts, {
      outputs: ['occupancy'],
    });
    let seen = 0;
    for (const [index, text] of texts.entries()) {
      // Without padding there is no mask to care for.
      const { data, dims } = await extractor(text);
      const shares = new Float64Array(count);
      for (let n = 0; n < dims[1]!; n++) {
        const powers = Array.from({ length: count }, (_, k) => {
          let distance = 0;
          for (let axis = 0; axis < dimension; axis++) {
            distance += ((data as Float32Array)[n * dimension + axis]! - prototypes[k * dimension + axis]!) ** 2;
          }
          return Math.exp(-distance / temperature);
        });
        const total = powers.reduce((sum, power) => sum + power, 0);
        powers.forEach((power, k) => (shares[k]! += power / total / dims[1]!));
      }
      shares.forEach((share, k) => expect(occupancy!.data[index * count + k]).toBeCloseTo(share, 5));
      seen += dims[1]!;
    }
    expect({ tokens, sequences, empty }).toEqual({ tokens: seen, sequences: texts.length, empty: 0 });
  });

  it('runs tokenizer and encoder once per batch', async () => {
    const calls = { tokenizer: 0, model: 0 };
    const counted: FeatureExtractor = {
      tokenizer: (list, options) => {
        calls.tokenizer++;
        return extractor.tokenizer(list, options);
      },
      model: async (inputs) => {
        calls.model++;
        return extractor.model(inputs);
      },
    };
    await readoutPipeline(counted, readout, { batch: 3 })(texts);
    expect(calls).toEqual({ tokenizer: 3, model: 3 });
  });

  it('gives outputs per token with the axes of the padded texts', async () => {
    const embed = readoutPipeline(extractor, readout, { batch: 2 });
    const { assignments, outputs } = await embed(texts.slice(0, 2), { outputs: ['assignments', 'outputs'] });
    const { dims } = await extractor(texts.slice(0, 2));
    expect(assignments!.shape).toEqual([2, dims[1], 4]);
    expect(outputs!.shape).toEqual(dims);
    await expect(embed(texts.slice(0, 3), { outputs: ['outputs'] })).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('3 texts are more than a batch of 2'),
    });
  });

  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'what is no pipeline',
      async () => readoutPipeline({} as FeatureExtractor, readout),
      'argument',
      'transformers.js',
    ],
    ['no text', () => readoutPipeline(extractor, readout)([]), 'argument', 'at least one'],
    ['a text that is none', () => readoutPipeline(extractor, readout)(['a', 3 as never]), 'argument', 'Text 1 '],
    ['a batch of 0', () => readoutPipeline(extractor, readout, { batch: 0 })('a'), 'argument', 'batch must be'],
    [
      'an encoder that pools',
      () =>
        readoutPipeline(
          {
            tokenizer: extractor.tokenizer,
            model: async () => ({ sentence_embedding: { data: new Float32Array(32), dims: [1, 32] } }),
          },
          readout,
        )('a'),
      'shape',
      'returns sentence_embedding [1, 32]',
    ],
    [
      'a mask of another length',
      () =>
        readoutPipeline(
          {
            tokenizer: () => ({ attention_mask: { data: BigInt64Array.of(1n), dims: [1, 1] } }),
            model: async () => ({ last_hidden_state: { data: new Float32Array(64), dims: [1, 2, 32] } }),
          },
          readout,
        )('a'),
      'shape',
      'attention_mask [1, 2]',
    ],
    [
      'an encoder of another width',
      () => {
        const { model } = readout;
        const narrow = {
          ...model,
          dimension: 16,
          prototypes: model.prototypes.subarray(0, 64),
          offset: model.offset.subarray(0, 16),
        };
        return readoutPipeline(extractor, Readout.fromModel(narrow, { backend: cpuBackend() }))('a');
      },
      'shape',
      '16',
    ],
  ])('refuses %s', async (_, make, code, text) => {
    await expect(make()).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });
});
