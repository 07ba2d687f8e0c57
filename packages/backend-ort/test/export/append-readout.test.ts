import { add, broadcastTo, createRandom, f32, i32, gather, reshape, trace } from '@ddcl/core';
import {
  readoutOutputs,
  readoutProgram,
  segmentOutputs,
  type DdclModel,
  type NamedProgram,
  type ReadoutOutput,
} from '@ddcl/core/fit';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { appendReadout, externalFiles, programToOnnx, type AppendOptions } from '../../src/index.ts';
import {
  ModelProtoSchema,
  type GraphProtoSchema,
  type TensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  type ModelProto,
} from '../../src/onnx/onnx_pb.ts';

const dimension = 6;
const count = 3;
const vocabulary = 10;
const [batch, sequence] = [2, 4];
const random = createRandom(3);
const table = Float32Array.from({ length: vocabulary * dimension }, () => random.normal());
const model: DdclModel = {
  count,
  dimension,
  dtype: 'float32',
  prototypes: Float64Array.from({ length: count * dimension }, () => Math.fround(random.normal())),
  temperature: 3,
  criticalTemperature: 9,
  offset: new Float64Array(dimension).fill(0.25),
  scale: 2,
  totalVariance: dimension,
};

const padded = (output: ReadoutOutput): NamedProgram => readoutProgram(model, { outputs: [output], layout: 'padded' });

/** An encoder from ids to token vectors, by a table: output a transformer is to the outside. */
function encoder(change: (parsed: ModelProto) => void = () => {}): Uint8Array {
  const program = trace([i32(batch, sequence), f32(vocabulary, dimension), i32(batch, sequence)], (ids, rows, mask) => [
    gather(rows, ids),
    // The mask has to be used for something.
    add(mask, broadcastTo(reshape(mask, [batch, sequence]), [batch, sequence])),
  ]);
  const parsed = fromBinary(ModelProtoSchema, programToOnnx(program));
  const graph = parsed.graph!;
  // The table becomes a weight of the model, the inputs get the names that encoders have.
  graph.input.splice(1, 1);
  graph.initializer.push({
    ...fromBinary(ModelProtoSchema, programToOnnx(trace([f32(1)], (x) => [add(x, 2)]))).graph!.initializer[0]!,
    name: 'input_1',
    dims: [BigInt(vocabulary), BigInt(dimension)],
    rawData: new Uint8Array(table.buffer.slice(0)),
  });
  const rename = (from: string, to: string): void => {
    for (const value of [...graph.input, ...graph.output]) if (value.name === from) value.name = to;
    for (const node of graph.node) {
      node.input = node.input.map((name) => (name === from ? to : name));
      node.output = node.output.map((name) => (name === from ? to : name));
    }
  };
  rename('input_0', 'input_ids');
  rename('input_2', 'attention_mask');
  rename('output_0', 'last_hidden_state');
  change(parsed);
  return toBinary(ModelProtoSchema, parsed);
}

const ids = Int32Array.of(1, 2, 3, 0, 4, 5, 6, 7);
const mask = Int32Array.of(1, 1, 1, 0, 1, 1, 1, 1);

async function run(bytes: Uint8Array): Promise<ort.Tensor> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  expect(session.outputNames).toHaveLength(1);
  const results = await session.run({
    input_ids: new ort.Tensor('int32', ids, [batch, sequence]),
    attention_mask: new ort.Tensor('int32', mask, [batch, sequence]),
  });
  await session.release();
  return results[session.outputNames[0]!]!;
}

/** The readout's own file on the tokens of the table. */
async function expected(output: ReadoutOutput, withMask: boolean): Promise<number[]> {
  const session = await ort.InferenceSession.create(programToOnnx(readoutProgram(model, { outputs: [output] })), {
    logSeverityLevel: 4,
  });
  const pooled = session.inputNames.includes('segments');
  const kept = [...ids.keys()].filter((index) => !pooled || !withMask || mask[index] === 1);
  const tokens = kept.flatMap((index) => [...table.subarray(ids[index]! * dimension, (ids[index]! + 1) * dimension)]);
  const feeds: Record<string, ort.Tensor> = {
    tokens: new ort.Tensor('float32', Float32Array.from(tokens), [kept.length, dimension]),
  };
  if (pooled) {
    const segments = BigInt64Array.from(kept, (index) => BigInt(Math.floor(index / sequence)));
    feeds['segments'] = new ort.Tensor('int64', segments, [kept.length]);
  }
  const made = (await session.run(feeds))[output]!;
  await session.release();
  return Array.from(made.data as Float32Array, Number);
}

/** What `run` throws. */
function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a readout appended to an encoder', () => {
  it.each(readoutOutputs.map((output) => [output]))('%s: from ids to the readout', async (output) => {
    const made = await run(appendReadout(encoder(), padded(output), { output: 'last_hidden_state' }));
    const values = await expected(output, true);
    expect(made.dims[0]).toBe(batch);
    expect(made.data).toHaveLength(values.length);
    // The same few float32 operations in another order.
    values.forEach((value, index) => expect(Number(made.data[index])).toBeCloseTo(value, 5));
  });

  it('does not see what padding holds', async () => {
    // The token under the mask, number 3, is row 0 of the table; nobody else is.
    const bytes = encoder((parsed) => {
      const rows = parsed.graph!.initializer.find(({ name }) => name === 'input_1')!;
      rows.rawData = new Uint8Array(table.slice().fill(NaN, 0, dimension).buffer);
    });
    for (const output of segmentOutputs) {
      const made = await run(appendReadout(bytes, padded(output), { output: 'last_hidden_state' }));
      const values = await expected(output, true);
      values.forEach((value, index) => expect(Number(made.data[index])).toBeCloseTo(value, 5));
    }
  });

  it('counts all tokens where there is no mask', async () => {
    const renamed = encoder((parsed) => {
      for (const input of parsed.graph!.input) if (input.name === 'attention_mask') input.name = 'other';
      for (const node of parsed.graph!.node)
        node.input = node.input.map((name) => (name === 'attention_mask' ? 'other' : name));
    });
    const bytes = appendReadout(renamed, padded('pooled'));
    const session = await ort.InferenceSession.create(bytes);
    const { pooled } = await session.run({
      input_ids: new ort.Tensor('int32', ids, [batch, sequence]),
      other: new ort.Tensor('int32', mask, [batch, sequence]),
    });
    const values = await expected('pooled', false);
    values.forEach((value, index) => expect(Number(pooled!.data[index])).toBeCloseTo(value, 5));
    // Named, the mask is used again.
    const named = appendReadout(renamed, padded('pooled'), { mask: 'other' });
    expect(named.length).not.toBe(bytes.length);
  });

  it.each([['outputs'], ['summaries'], ['residuals']] as const)(
    '%s keep to the opset of the encoder',
    async (output) => {
      const values = await expected(output, true);
      for (const opset of [11n, 13n, 17n, 20n]) {
        const bytes = encoder((parsed) => (parsed.opsetImport[0]!.version = opset));
        const whole = appendReadout(bytes, padded(output), { output: 'last_hidden_state' });
        expect(fromBinary(ModelProtoSchema, whole).opsetImport.map(({ version }) => version)).toEqual([opset]);
        const made = await run(whole);
        values.forEach((value, index) => expect(Number(made.data[index])).toBeCloseTo(value, 5));
      }
    },
  );

  it('takes weights that lie beside the encoder into the file', async () => {
    const beside = new Uint8Array(16 + table.byteLength);
    beside.set(new Uint8Array(table.buffer), 16);
    const bytes = external({ location: 'weights/part.bin', offset: '16', length: String(table.byteLength) });
    const whole = appendReadout(bytes, padded('outputs'), {
      output: 'last_hidden_state',
      external: new Map(
        externalFiles(bytes).map((name) => [name, name === 'weights/part.bin' ? beside : new Uint8Array(0)]),
      ),
    });
    const values = await expected('outputs', true);
    const output = await run(whole);
    values.forEach((value, index) => expect(Number(output.data[index])).toBeCloseTo(value, 5));
  });

  const read = { external: new Map([['a', new Uint8Array(8)]]) };
  it.each<[string, () => Uint8Array, AppendOptions, string, string]>([
    ['bytes that are none', () => Uint8Array.of(1, 2, 3, 255), {}, 'format', 'not an ONNX model'],
    ['an empty file', () => new Uint8Array(0), {}, 'format', 'no graph'],
    ['a missing output', encoder, { output: 'pooler' }, 'argument', "no output 'pooler'; it has last_hidden_state"],
    [
      'an output of another shape',
      encoder,
      { output: 'output_1' },
      'shape',
      'output_1 [2, 4] is not [batch, sequence, 6]',
    ],
    ['a missing mask', encoder, { mask: 'nope' }, 'argument', "no input 'nope'; it has input_ids"],
    ['an old opset', () => encoder((parsed) => (parsed.opsetImport[0]!.version = 9n)), {}, 'unsupported', 'opset 9'],
    [
      'weights elsewhere that are not given',
      () => external({ location: 'a.bin' }),
      read,
      'argument',
      "The model has weights in the file 'a.bin' beside it. Pass its bytes: external: new Map([['a.bin', bytes]]); externalFiles(model) names all such files.",
    ],
    [
      'weights above the folder',
      () => external({ location: '../a.bin' }),
      read,
      'format',
      "'../a.bin', which is not inside",
    ],
    ['weights hidden above it', () => external({ location: 'x/../../a' }), read, 'format', 'not inside'],
    ['an absolute path', () => external({ location: '/etc/passwd' }), read, 'format', 'not inside'],
    ['a drive', () => external({ location: 'C:\\a.bin' }), read, 'format', 'not inside'],
    ['backslashes', () => external({ location: '..\\a.bin' }), read, 'format', 'not inside'],
    ['an offset that is none', () => external({ location: 'a', offset: '-4' }), read, 'format', "offset '-4'"],
    ['too few bytes', () => external({ location: 'a', length: '240' }), read, 'format', 'needs 240 bytes from 0'],
  ])('refuses %s', (_, make, options, code, text) => {
    const error = thrown(() => appendReadout(make(), padded('pooled'), options));
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
  });

  it('refuses a program of packed tokens', () => {
    expect(() => appendReadout(encoder(), readoutProgram(model))).toThrow("layout: 'padded'");
  });

  it('refuses an encoder of another width', () => {
    const wide = { ...model, dimension: 3, count: 6, offset: new Float64Array(3) };
    const other = readoutProgram(wide, { layout: 'padded' });
    expect(thrown(() => appendReadout(encoder(), other))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('0 outputs of token vectors [batch, sequence, 3]'),
    });
    expect(thrown(() => appendReadout(encoder(), other, { output: 'last_hidden_state' }))).toMatchObject({
      code: 'shape',
    });
  });
});

describe('externalFiles', () => {
  it('names the files beside a model, once each', () => {
    expect(externalFiles(encoder())).toEqual([]);
    expect(externalFiles(external({ location: 'weights/part.bin', offset: '16' }))).toEqual(['weights/part.bin']);
  });

  it.each([
    ['bytes that are no model', () => Uint8Array.of(1, 2, 3, 255), 'not an ONNX model'],
    ['a file outside the folder', () => external({ location: 'x/../../a' }), 'not inside'],
  ])('refuses %s', (_, bytes, text) => {
    expect(() => externalFiles(bytes())).toThrow(text);
  });
});

describe('files beside a model, wherever the format has room for a tensor', () => {
  const tensor = (location: string): MessageInitShape<typeof TensorProtoSchema> => ({
    name: location,
    dataLocation: DataLocation.EXTERNAL,
    externalData: [{ key: 'location', value: location }],
  });
  const inner = (location: string) => ({ node: [{ attribute: [{ name: 'value', t: tensor(location) }] }] });

  it.each<[string, (at: string) => MessageInitShape<typeof ModelProtoSchema>]>([
    ['a graph', (at) => ({ graph: { initializer: [tensor(at)] } })],
    ['values of a sparse tensor', (at) => ({ graph: { sparseInitializer: [{ values: tensor(at) }] } })],
    ['indices of a sparse tensor', (at) => ({ graph: { sparseInitializer: [{ indices: tensor(at) }] } })],
    ['an attribute', (at) => ({ graph: inner(at) })],
    ['attributes of several', (at) => ({ graph: { node: [{ attribute: [{ tensors: [tensor(at)] }] }] } })],
    ['a graph in a node', (at) => ({ graph: { node: [{ attribute: [{ g: inner(at) }] }] } })],
    ['graphs in a node', (at) => ({ graph: { node: [{ attribute: [{ graphs: [inner(at)] }] }] } })],
    ['a sparse attribute', (at) => ({ graph: { node: [{ attribute: [{ sparseTensor: { values: tensor(at) } }] }] } })],
    [
      'sparse attributes',
      (at) => ({ graph: { node: [{ attribute: [{ sparseTensors: [{ indices: tensor(at) }] }] }] } }),
    ],
    ['a function', (at) => ({ graph: {}, functions: [{ name: 'f', ...inner(at) }] })],
    [
      'a default of a function',
      (at) => ({ functions: [{ name: 'f', attributeProto: [{ name: 'x', t: tensor(at) }] }] }),
    ],
    ['a graph in a function', (at) => ({ functions: [{ node: [{ attribute: [{ g: inner(at) }] }] }] })],
    ['training', (at) => ({ trainingInfo: [{ algorithm: inner(at) }] })],
  ])('finds what %s has', (_, made) => {
    const bytes = (location: string): Uint8Array =>
      toBinary(ModelProtoSchema, create(ModelProtoSchema, made(location)));
    expect(externalFiles(bytes('a'))).toEqual(['a']);
    expect(() => externalFiles(bytes('../a'))).toThrow('not inside');
    // What is appended to comes with them, or not at all.
    const appended = encoder((parsed) => {
      const { graph, functions, trainingInfo } = fromBinary(ModelProtoSchema, bytes('a'));
      parsed.functions.push(...functions);
      parsed.trainingInfo.push(...trainingInfo);
      for (const list of ['node', 'initializer', 'sparseInitializer'] as const)
        (parsed.graph![list] as object[]).push(...(graph?.[list] ?? []));
    });
    expect(() => appendReadout(appended, padded('outputs'), { output: 'last_hidden_state' })).toThrow(
      "weights in the file 'a' beside it",
    );
  });

  it('takes graphs in graphs, as deep as they come', () => {
    let graph = inner('a') as MessageInitShape<typeof GraphProtoSchema>;
    for (let depth = 0; depth < 25; depth++) graph = { node: [{ attribute: [{ g: graph }] }] };
    expect(externalFiles(toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph })))).toEqual(['a']);
  });

  it('refuses parts that this version of the format does not know, which a runtime could', () => {
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: {} }));
    // Field 99 of three bytes, of a group, which is a message by another way, and of a number, which can name no file.
    expect(() => externalFiles(Uint8Array.of(...bytes, 0x9a, 0x06, 3, 1, 2, 3))).toThrow('field 99 of onnx.ModelProto');
    expect(() => externalFiles(Uint8Array.of(...bytes, 0x9b, 0x06, 8, 1, 0x9c, 0x06))).toThrow(
      'field 99 of onnx.Model',
    );
    expect(externalFiles(Uint8Array.of(...bytes, 0x98, 0x06, 3))).toEqual([]);
  });
});

/** The encoder with its table in another file. */
function external(entries: Record<string, string>): Uint8Array {
  return encoder((parsed) => {
    const tensor = parsed.graph!.initializer.find(({ name }) => name === 'input_1')!;
    tensor.rawData = new Uint8Array(0);
    tensor.dataLocation = DataLocation.EXTERNAL;
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
  });
}
