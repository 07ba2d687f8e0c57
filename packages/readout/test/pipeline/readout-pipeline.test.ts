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
  it('are those that the pipeline gives without pooling, with the mask of its tokenizer', async () => {
    const [first, second, ...others] = await batches(texts, 4);
    expect(others).toEqual([]);
    expect(first!.shape).toEqual([4, first!.shape[1], 32]);
    for (const [batch, list] of [
      [first!, texts.slice(0, 4)],
      [second!, texts.slice(4)],
    ] as const) {
      const own = await extractor([...list]);
      expect(batch.shape).toEqual(own.dims);
      expect(batch.data).toEqual(own.data);
    }
    const counts = [first!, second!].flatMap(({ mask, shape: [rows = 0, length = 0] }) =>
      Array.from({ length: rows }, (_, row) =>
        Array.from(mask as ArrayLike<bigint>, Number)
          .slice(row * length, (row + 1) * length)
          .reduce((sum, value) => sum + value, 0),
      ),
    );
    // [CLS] and [SEP] count; '' has nothing else; the last text is cut at the 64 positions of the encoder.
    expect(counts).toEqual([4, expect.any(Number), 2, 5, 13, 6, 64]);
    expect(first!.shape[1]).toBe(counts[1]);
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

  it('of a stream of texts are asked for batch by batch', async () => {
    let taken = 0;
    async function* stream(): AsyncGenerator<string> {
      for (const text of texts) {
        taken++;
        yield text;
      }
    }
    const tokens = extractTokens(extractor, stream(), { batch: 3 });
    const { value } = await tokens.next();
    expect((value as TokenBatch).shape[0]).toBe(3);
    expect(taken).toBe(3);
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
