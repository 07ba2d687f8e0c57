import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDdclError } from '@ddcl/core';
import * as runtime from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from '../../../../packages/backend-ort/src/onnx/onnx_pb.ts';
import { OnnxGraph } from '../../../../packages/backend-ort/src/onnx/graph.ts';
import { modelBytes, modelProto } from '../../../../packages/backend-ort/src/onnx/model.ts';
import { openEncoder, type Encoder, type OpenEncoderOptions } from '../../src/encoder/open-encoder.ts';
import { requireSameEncoder } from '../../src/encoder/encoder-record.ts';
import { loadOrt } from '../../src/backends/load-ort.ts';
import { encodeAll, largestDifference, temporaryFolder, texts, tinyEncoder } from './support.ts';

const ort = await loadOrt();
const folder = await tinyEncoder();

async function using<T>(options: Partial<OpenEncoderOptions>, use: (encoder: Encoder) => Promise<T> | T): Promise<T> {
  const encoder = await openEncoder({ encoder: folder, ort, ...options });
  try {
    return await use(encoder);
  } finally {
    await encoder.dispose();
  }
}

/** The message and code of what `openEncoder` throws. */
async function refusal(options: Partial<OpenEncoderOptions>): Promise<string> {
  const error = await openEncoder({ encoder: folder, ort, ...options }).then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  return isDdclError(error) ? `${error.code}: ${error.message}` : String(error);
}

/** A copy of the encoder, changed. */
function changed(change: (copy: string) => void): string {
  const copy = join(temporaryFolder(), 'encoder');
  cpSync(folder, copy, { recursive: true });
  change(copy);
  return copy;
}

function changeJson(path: string, change: object): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

/** The model as exporters for phones and accelerators write it, for inputs of one shape. */
function ofFixedShape(copy: string, shape: readonly (number | undefined)[]): void {
  const path = join(copy, 'onnx/model.onnx');
  const model = fromBinary(ModelProtoSchema, readFileSync(path));
  for (const value of [...model.graph!.input, ...model.graph!.output]) {
    const type = value.type!.value;
    if (type.case !== 'tensorType') continue;
    shape.forEach((size, axis) => {
      if (size !== undefined) type.value.shape!.dim[axis]!.value = { case: 'dimValue', value: BigInt(size) };
    });
  }
  writeFileSync(path, toBinary(ModelProtoSchema, model));
}

describe('an encoder of fixed shape', () => {
  it.each([
    ['rows and length', [3, 20]],
    ['rows', [3, undefined]],
    ['length', [undefined, 20]],
  ] as const)('is padded to it and gives the vectors that it would give with any: %s', async (_, shape) => {
    const list = texts(10, 40);
    const wanted = await using({ maxTokens: 20 }, (encoder) => encodeAll(encoder, list));
    const encoder = changed((copy) => ofFixedShape(copy, shape));
    const encoded = await using({ encoder, ...(shape[1] === undefined ? { maxTokens: 20 } : {}) }, async (own) => {
      expect(own.record.maxTokens).toBe(20);
      return encodeAll(own, list);
    });
    for (const [index, { ids, tokens, truncated }] of encoded.entries()) {
      expect(ids).toEqual(wanted[index]!.ids);
      expect(truncated).toBe(wanted[index]!.truncated);
      expect(largestDifference(tokens, wanted[index]!.tokens)).toBeLessThan(1e-5);
    }
    expect(encoded.some(({ truncated }) => truncated)).toBe(true);
  });

  it('takes no more tokens than that', async () => {
    const encoder = changed((copy) => ofFixedShape(copy, [1, 20]));
    expect(await refusal({ encoder, maxTokens: 21 })).toBe(
      'argument: The encoder takes at most 20 tokens, but --max-tokens is 21.',
    );
  });
});

describe('an encoder', () => {
  it('gives the vectors of its model, each text run alone and without padding', async () => {
    const session = await runtime.InferenceSession.create(join(folder, 'onnx/model.onnx'));
    const list = texts(60, 12);
    await using({}, async (encoder) => {
      expect(encoder.dimension).toBe(32);
      const encoded = await encodeAll(encoder, list);
      expect(encoded.map(({ place }) => place)).toEqual(list.map((_, index) => `text ${index}`));
      for (const [index, { ids, tokens }] of encoded.entries()) {
        const shape = [1, ids.length];
        const long = (value: (place: number) => number): runtime.Tensor =>
          new runtime.Tensor(
            'int64',
            BigInt64Array.from(ids, (_, place) => BigInt(value(place))),
            shape,
          );
        const results = await session.run({
          input_ids: long((place) => ids[place]!),
          attention_mask: long(() => 1),
          token_type_ids: long(() => 0),
        });
        const alone = results['last_hidden_state']!.data as Float32Array;
        // float32 in another order of summation, values up to 3.
        expect(largestDifference(tokens, alone), list[index]!).toBeLessThan(2e-5);
      }
      expect(encoder.counts).toEqual({
        documents: 60,
        tokens: encoded.reduce((sum, { ids }) => sum + ids.length, 0),
        truncated: 0,
        empty: 0,
      });
    });
    await session.release();
  });

  it('gives documents in their order, with labels, over many windows', async () => {
    await using({ batch: 64 }, async (encoder) => {
      const seen: (string | undefined)[] = [];
      const progress: number[] = [];
      async function* documents(): AsyncGenerator<{ text: string; label: string; place: string }> {
        for (let index = 0; index < 9000; index++)
          yield { text: index % 3 === 0 ? 'good' : 'a bad film', label: `l${index}`, place: 'p' };
      }
      for await (const { label } of encoder.encode(documents(), { onProgress: (done) => progress.push(done) }))
        seen.push(label);
      expect(seen).toEqual(Array.from({ length: 9000 }, (_, index) => `l${index}`));
      expect(progress.at(-1)).toBe(9000);
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    });
  });

  it('leaves special tokens out where asked for, and keeps documents without text', async () => {
    const list = ['good film', '', 'a bad film', '   '];
    const whole = await using({}, (encoder) => encodeAll(encoder, list));
    await using({ dropSpecial: true }, async (encoder) => {
      const encoded = await encodeAll(encoder, list);
      expect(encoded.map(({ ids }) => ids.length)).toEqual([2, 0, 3, 0]);
      expect(encoded[2]!.tokens).toHaveLength(3 * 32);
      expect(encoded[2]!.ids).toEqual(whole[2]!.ids.slice(1, 4));
      expect(largestDifference(encoded[2]!.tokens, whole[2]!.tokens.slice(32, 4 * 32))).toBeLessThan(2e-5);
      expect(encoder.counts).toEqual({ documents: 4, tokens: 5, truncated: 0, empty: 2 });
      expect(encoder.pieces('a bad film').pieces).toEqual(['a', 'bad', 'film']);
    });
    expect(whole.map(({ ids, empty }) => [ids.length, empty])).toEqual([
      [4, false],
      [2, true],
      [5, false],
      [2, true],
    ]);
  });

  it('cuts to the tokens asked for, and to what the encoder takes', async () => {
    const long = 'good '.repeat(100);
    await using({ maxTokens: 8 }, async (encoder) => {
      const [document] = await encodeAll(encoder, [long]);
      expect([document!.ids.length, document!.truncated]).toEqual([8, true]);
      expect(encoder.counts.truncated).toBe(1);
      const { pieces, truncated } = encoder.pieces(long);
      expect([pieces, truncated]).toEqual([['[CLS]', ...Array.from({ length: 6 }, () => 'good'), '[SEP]'], true]);
    });
    await using({}, async (encoder) => {
      const [document] = await encodeAll(encoder, [long]);
      expect([document!.ids.length, encoder.record.maxTokens]).toEqual([64, 64]);
    });
  });

  it('stops when its signal fires', async () => {
    const controller = new AbortController();
    await using({ batch: 1 }, async (encoder) => {
      const run = async (): Promise<void> => {
        const options = { signal: controller.signal, onProgress: () => controller.abort() };
        for await (const _ of encoder.encode(
          [
            { text: 'good', place: 'a' },
            { text: 'bad', place: 'b' },
          ],
          options,
        ));
      };
      await expect(run()).rejects.toMatchObject({ code: 'aborted' });
    });
  });

  it('names the text whose vectors are not finite', async () => {
    const copy = changed((path) => {
      const file = join(path, 'onnx/model.onnx');
      const model = fromBinary(ModelProtoSchema, readFileSync(file));
      // The embedding of one word becomes NaN.
      const table = model.graph!.initializer.find(
        ({ dims }) => dims.length === 2 && dims[0] === BigInt(vocabularySize()),
      )!;
      const bytes = Uint8Array.from(table.rawData);
      new DataView(bytes.buffer).setFloat32(4 * 32 * idOf('river'), NaN, true);
      table.rawData = bytes;
      writeFileSync(file, toBinary(ModelProtoSchema, model));
    });
    await using({ encoder: copy }, async (encoder) => {
      await expect(encodeAll(encoder, ['good', 'the river', 'bad'])).rejects.toThrow(
        /^text 1: the encoder gave NaN for token/,
      );
    });
  });
});

const vocabulary = (
  JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as { model: { vocab: Record<string, number> } }
).model.vocab;
const vocabularySize = (): number => Object.keys(vocabulary).length;
const idOf = (word: string): number => vocabulary[word]!;

describe('weights beside the model', () => {
  const external = (location: string): string =>
    changed((path) => {
      const file = join(path, 'onnx/model.onnx');
      const model = fromBinary(ModelProtoSchema, readFileSync(file));
      const parts: Uint8Array[] = [];
      let offset = 0;
      for (const tensor of model.graph!.initializer) {
        if (tensor.rawData.length < 1000) continue;
        const entries = { location, offset: String(offset), length: String(tensor.rawData.length) };
        tensor.externalData = Object.entries(entries).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        );
        tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
        parts.push(tensor.rawData);
        offset += tensor.rawData.length;
        tensor.rawData = new Uint8Array(0);
      }
      expect(parts.length).toBeGreaterThan(3);
      writeFileSync(file, toBinary(ModelProtoSchema, model));
      if (!location.includes('..')) writeFileSync(join(path, 'onnx', location), Buffer.concat(parts));
    });

  it('are found, and count in the hash', async () => {
    const copy = external('weights.data');
    const encoded = await using({ encoder: copy }, (encoder) => encodeAll(encoder, ['a good film']));
    const same = await using({}, (encoder) => encodeAll(encoder, ['a good film']));
    expect(encoded[0]!.tokens).toEqual(same[0]!.tokens);
    const before = await using({ encoder: copy }, ({ record }) => record.hash);
    const weights = join(copy, 'onnx/weights.data');
    const bytes = readFileSync(weights);
    bytes[0]! ^= 1;
    writeFileSync(weights, bytes);
    expect(await using({ encoder: copy }, ({ record }) => record.hash)).not.toBe(before);
    rmSync(weights);
    expect(await refusal({ encoder: copy })).toMatch(
      /^argument: .*has its weights in .*weights\.data, which is missing/,
    );
  });

  it('are refused outside the folder', async () => {
    expect(await refusal({ encoder: external('../../elsewhere') })).toMatch(/^format: .*not inside the model's folder/);
  });
});

describe('the record', () => {
  it('says what the encoder is by its content, not its place', async () => {
    const record = await using({ textField: 'body' }, (encoder) => encoder.record);
    expect(record).toEqual({
      encoder: folder,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      dtype: 'fp32',
      maxTokens: 64,
      dropSpecial: false,
      textField: 'body',
      stripHtml: false,
      dimension: 32,
    });
    const moved = await using({ encoder: changed(() => undefined) }, (encoder) => encoder.record);
    expect(moved.hash).toBe(record.hash);
    const flat = changed((path) => renameSync(join(path, 'onnx/model.onnx'), join(path, 'model.onnx')));
    expect((await using({ encoder: flat }, (encoder) => encoder.record)).hash).toBe(record.hash);
    const other = await using({ encoder: await tinyEncoder({ seed: 1 }) }, (encoder) => encoder.record);
    expect(other.hash).not.toBe(record.hash);
    expect(() => requireSameEncoder(record, moved, false)).not.toThrow();
    expect(() => requireSameEncoder(record, other, true)).not.toThrow();
    expect(() => requireSameEncoder(record, other, false)).toThrow(
      /not the encoder that the model was fitted with.*--other-encoder/,
    );
  });
});

describe('bad encoders', () => {
  it('says which file is missing and what was looked for', async () => {
    const without = (name: string): string => changed((path) => rmSync(join(path, name)));
    expect(await refusal({ encoder: without('tokenizer.json') })).toMatch(/^argument: .*has no tokenizer\.json/);
    expect(await refusal({ encoder: without('config.json') })).toMatch(/^argument: .*has no config\.json/);
    expect(await refusal({ encoder: without('onnx/model.onnx') })).toMatch(
      /^argument: .*has no fp32 model: looked for onnx\/model\.onnx and model\.onnx/,
    );
    expect(await refusal({ dtype: 'q8' })).toMatch(
      /^argument: .*has no q8 model: looked for onnx\/model_quantized\.onnx and model_quantized\.onnx.*--encoder-dtype fp32/,
    );
    expect(await refusal({ encoder: join(folder, 'no/such/folder') })).toMatch(
      /^argument: There is no encoder folder .*no\/such/,
    );
    expect(await refusal({ encoder: join(folder, 'config.json') })).toMatch(/^argument: The encoder .*is a file/);
  });

  it('works without tokenizer_config.json', async () => {
    const copy = changed((path) => rmSync(join(path, 'tokenizer_config.json')));
    expect(await using({ encoder: copy }, ({ record }) => record.maxTokens)).toBe(64);
  });

  it('names broken files', async () => {
    const with_ = (name: string, content: string): string =>
      changed((path) => writeFileSync(join(path, name), content));
    expect(await refusal({ encoder: with_('tokenizer.json', '{') })).toMatch(
      /^format: .*tokenizer\.json is not a JSON object/,
    );
    expect(await refusal({ encoder: with_('config.json', '[]') })).toMatch(
      /^format: .*config\.json is not a JSON object/,
    );
    expect(await refusal({ encoder: with_('tokenizer.json', '{}') })).toMatch(
      /^format: .*tokenizer\.json is not a tokenizer/,
    );
    expect(await refusal({ encoder: with_('onnx/model.onnx', 'this is no model') })).toMatch(/^format: .*model\.onnx/);
    expect(await refusal({ encoder: with_('onnx/model.onnx', '') })).toMatch(
      /^format: ONNX Runtime cannot open .*model\.onnx/,
    );
  });

  it('refuses models of another kind', async () => {
    const model = (build: (graph: OnnxGraph) => void): string =>
      changed((path) => {
        const graph = new OnnxGraph();
        build(graph);
        mkdirSync(join(path, 'onnx'), { recursive: true });
        writeFileSync(join(path, 'onnx/model.onnx'), modelBytes(modelProto(graph, { name: 'other' })));
      });
    const axes = ['batch', 'sequence'];
    const pooled = model((graph) => {
      graph.input('input_ids', 'int64', axes);
      const mask = graph.input('attention_mask', 'int64', axes);
      graph.rename(graph.node('Cast', [mask], { to: { int: 1 } }), 'pooled');
      graph.output('pooled', 'float32', axes);
    });
    expect(await refusal({ encoder: pooled })).toMatch(
      /^unsupported: .*no output of token vectors.*it has pooled float32/,
    );
    const picture = model((graph) => {
      const pixels = graph.input('pixels', 'float32', ['batch', 'sequence', 4]);
      graph.rename(graph.node('Neg', [pixels]), 'out');
      graph.output('out', 'float32', ['batch', 'sequence', 4]);
    });
    expect(await refusal({ encoder: picture })).toMatch(
      /^unsupported: .*takes pixels float32.*takes input_ids and attention_mask/,
    );
  });

  it('refuses more tokens than there are positions', async () => {
    expect(await refusal({ maxTokens: 65 })).toMatch(/^argument: The encoder takes at most 64 tokens/);
    const copy = changed((path) => {
      changeJson(join(path, 'config.json'), { max_position_embeddings: undefined });
      changeJson(join(path, 'tokenizer_config.json'), { model_max_length: 1e30 });
    });
    expect(await refusal({ encoder: copy })).toMatch(/^argument: .*Give --max-tokens/);
  });
});
