import { readFileSync, symlinkSync } from 'node:fs';
import { programToOnnx } from '@ddcl/backend-ort';
import { f32, gather, i32, trace } from '@ddcl/core';
import { isSegmentOutput, modelFromBytes, readoutOutputs, type ReadoutOutput } from '@ddcl/core/fit';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { clusters, csv, ddcl, npy, succeed, testFolder, type Ended } from './support.ts';

const folder = testFolder();
const dimension = 3;
const tokens = clusters(90, dimension, 4);

beforeAll(async () => {
  folder.write('tokens.npy', npy([90, dimension], 'float32', tokens.flat));
  folder.write('table.csv', csv(tokens));
  folder.write(
    'segments.npy',
    npy(
      [90],
      'int32',
      tokens.rows.map((_, row) => (row * 5) % 7),
    ),
  );
  const fit = (data: string, out: string, ...more: string[]) =>
    succeed(['fit', folder.at(data), '--prototypes', '4', '--epochs', '60', '--out', folder.at(out), ...more]);
  await Promise.all([fit('tokens.npy', 'plain'), fit('table.csv', 'prepared', '--standardize', '--normalize')]);
});

async function runOnnx(file: string, segments?: readonly number[]): Promise<ort.Tensor> {
  // Read here: the runtime then has no folder to look for weights in.
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(folder.at(file))), {
    logSeverityLevel: 4,
  });
  const results = await session.run({
    tokens: new ort.Tensor('float32', Float32Array.from(tokens.flat), [90, dimension]),
    ...(segments && { segments: new ort.Tensor('int64', BigInt64Array.from(segments, BigInt), [90]) }),
  });
  return results[session.outputNames[0]!]!;
}

describe('ddcl export', () => {
  it.each(
    readoutOutputs.flatMap((what) => [
      [what, 'plain', 'tokens.npy'],
      [what, 'prepared', 'table.csv'],
    ]),
  )('%s of the model %s: the file gives what ddcl encode gives', async (what, model, data) => {
    const pooled = isSegmentOutput(what as ReadoutOutput);
    const name = `${model}-${what}`;
    const segments = pooled ? ['--segments', folder.at('segments.npy')] : [];
    await succeed([
      'encode',
      folder.at(model),
      folder.at(data),
      '--outputs',
      what,
      '--out',
      folder.at(`${name}.npy`),
      ...segments,
    ]);
    const said = await succeed([
      'export',
      folder.at(model),
      '--onnx',
      folder.at(`${name}.onnx`),
      '--outputs',
      what,
      '--json',
    ]);
    expect(JSON.parse(said)).toMatchObject({ outputs: what, prototypes: 4, dimension, fused: false, encoder: null });
    const encoded = await readNpy(folder.at(`${name}.npy`));
    const output = await runOnnx(`${name}.onnx`, pooled ? tokens.rows.map((_, row) => (row * 5) % 7) : undefined);
    expect(output.dims).toEqual(encoded.shape);
    // Acceptance of the export: 1e-5 + 2e-8 max |2 z.p / T|. Tokens of order 10, T of order 0.1.
    const { temperature } = JSON.parse(said) as { temperature: number };
    const largest = Math.max(...tokens.flat.map(Math.abs));
    const allowed = 1e-5 + (2e-8 * 2 * dimension * largest ** 2) / (model === 'plain' ? temperature : 1);
    encoded.data.forEach((value, index) =>
      expect(Math.abs(Number(output.data[index]) - Number(value))).toBeLessThan(
        allowed * Math.max(1, Math.abs(Number(value))),
      ),
    );
  });

  it.each([
    ['plain', 'tokens.npy'],
    ['prepared', 'table.csv'],
  ])('residuals of the model %s: o_k (s_k - p_k), each and then all of length 1', async (name, data) => {
    const [occupancy, summaries] = await Promise.all(
      ['occupancy', 'summaries'].map(async (what) => {
        const out = folder.at(`${name}-for-residuals-${what}.npy`);
        const segments = folder.at('segments.npy');
        await succeed([
          'encode',
          folder.at(name),
          folder.at(data),
          '--outputs',
          what,
          '--segments',
          segments,
          '--out',
          out,
        ]);
        return Float64Array.from((await readNpy(out)).data as Float32Array);
      }),
    );
    const file = `${name}-residuals.onnx`;
    await succeed(['export', folder.at(name), '--onnx', folder.at(file), '--outputs', 'residuals']);
    const output = await runOnnx(
      file,
      tokens.rows.map((_, row) => (row * 5) % 7),
    );
    const { prototypes, totalVariance } = modelFromBytes(readFileSync(folder.at(`${name}/model.safetensors`)));
    const width = 4 * dimension;
    expect(output.dims).toEqual([7, 4, dimension]);
    for (let segment = 0; segment < 7; segment++) {
      const all = Array.from({ length: 4 }, (_, k) => {
        const residual = Array.from({ length: dimension }, (__, axis) => {
          const at = k * dimension + axis;
          return occupancy![segment * 4 + k]! * (summaries![segment * width + at]! - prototypes[at]!);
        });
        const length = Math.max(Math.hypot(...residual), 1e-6 * Math.sqrt(totalVariance));
        return residual.map((value) => value / length);
      }).flat();
      const length = Math.hypot(...all);
      all.forEach((value, at) =>
        // s_k - p_k is a small difference of float32 numbers.
        expect(Number(output.data[segment * width + at])).toBeCloseTo(value / length, 3),
      );
    }
  });

  it('says in words where the file is', async () => {
    expect(await succeed(['export', folder.at('plain'), '--onnx', folder.at('words.onnx'), '--fused'])).toMatch(
      /^outputs of 4 prototypes of dimension 3 written to .*words\.onnx \(\d+ bytes\)\n$/,
    );
  });
});

/** An encoder from ids to vectors by a table that is an input, since any program is an ONNX model. */
const encoder = () => programToOnnx(trace([f32(10, dimension), i32(2, 5)], (rows, ids) => [gather(rows, ids)]));

describe('ddcl export --append-to', () => {
  it('appends the readout', async () => {
    folder.write('encoder/model.onnx', encoder());
    const said = await succeed([
      'export',
      folder.at('plain'),
      '--onnx',
      folder.at('whole.onnx'),
      '--outputs',
      'pooled',
      '--append-to',
      folder.at('encoder/model.onnx'),
    ]);
    expect(said).toContain('after ');
    const session = await ort.InferenceSession.create(folder.at('whole.onnx'));
    expect(session.inputNames).toEqual(['input_0', 'input_1']);
    const { pooled } = await session.run({
      input_0: new ort.Tensor('float32', Float32Array.from(tokens.flat.subarray(0, 30)), [10, dimension]),
      input_1: new ort.Tensor('int32', Int32Array.of(0, 4, 8, 0, 4, 1, 5, 9, 1, 5), [2, 5]),
    });
    expect(pooled!.dims).toEqual([2, dimension]);
  });
});

describe('bad input', () => {
  const cases: readonly (readonly [string, () => string[], string])[] = [
    ['no --onnx', () => [folder.at('plain')], '--onnx'],
    ['another ending', () => [folder.at('plain'), '--onnx', folder.at('x.bin')], 'does not end in .onnx'],
    ['no folder', () => [folder.at('plain'), '--onnx', folder.at('no/x.onnx')], 'There is no folder'],
    ['a folder as file', () => [folder.at('plain'), '--onnx', folder.at('taken.onnx')], 'is a folder'],
    ['no model', () => [folder.at('nothing'), '--onnx', folder.at('x.onnx')], 'no model folder'],
    ['an unknown output', () => [folder.at('plain'), '--onnx', folder.at('x.onnx'), '--outputs', 'all'], 'outputs'],
    ['temperature 0', () => [folder.at('plain'), '--onnx', folder.at('x.onnx'), '--temperature', '0'], 'number > 0'],
    [
      'fused codes',
      () => [folder.at('plain'), '--onnx', folder.at('x.onnx'), '--outputs', 'codes', '--fused'],
      '--fused goes with',
    ],
    [
      'a mask without an encoder',
      () => [folder.at('plain'), '--onnx', folder.at('x.onnx'), '--mask', 'm'],
      '--mask goes with',
    ],
    ['no encoder', () => append('none.onnx'), 'cannot be read (ENOENT'],
    ['the encoder as output', () => append('x.onnx'), 'would be overwritten'],
    ['an encoder that is none', () => append('text.onnx'), 'not an ONNX model'],
    [
      'an output it has not',
      () => append('encoder.onnx', '--encoder-output', 'pooler'),
      "no output 'pooler'; it has output_0",
    ],
    ['an encoder of another width', () => append('wide.onnx'), 'token vectors [batch, sequence, 3]'],
    ['weights that lead out of the folder', () => append('links/model.onnx'), 'leads out of'],
    ['weights that are missing', () => append('lone/model.onnx'), 'ENOENT'],
  ];
  const append = (file: string, ...more: string[]): string[] => [
    folder.at('plain'),
    '--onnx',
    folder.at('x.onnx'),
    '--append-to',
    folder.at(file),
    ...more,
  ];

  let ended: Ended[];
  beforeAll(async () => {
    folder.write('taken.onnx/file', '');
    folder.write('text.onnx', 'Call me Ishmael.');
    folder.write('encoder.onnx', encoder());
    folder.write('wide.onnx', programToOnnx(trace([f32(10, 5), i32(2, 5)], (rows, ids) => [gather(rows, ids)])));
    const spread = await externalEncoder();
    folder.write('links/model.onnx', spread);
    folder.write('lone/model.onnx', spread);
    folder.write('weights.bin', new Uint8Array(64));
    symlinkSync(folder.at('weights.bin'), folder.at('links/weights.bin'));
    ended = await Promise.all(cases.map(([, args]) => ddcl(['export', ...args()])));
  }, 300_000);

  it.each(cases.map(([name, , text], index) => [name, text, index] as const))('%s', (_, text, index) => {
    const { status, stderr, stdout } = ended[index]!;
    expect(stderr).toContain(text);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('leaves no file behind', () => {
    expect(() => folder.read('x.onnx')).toThrow('ENOENT');
  });
});

/** An encoder whose constant has its elements in `weights.bin`. */
async function externalEncoder(): Promise<Uint8Array> {
  const { fromBinary, toBinary, create } = await import('@bufbuild/protobuf');
  const { ModelProtoSchema, StringStringEntryProtoSchema } =
    await import('../../../../packages/backend-ort/src/onnx/onnx_pb.ts');
  const { mul, constant } = await import('@ddcl/core');
  const program = trace([f32(10, dimension), i32(2, 5)], (rows, ids) => [
    gather(
      mul(
        rows,
        constant(
          rows,
          'float32',
          [10, dimension],
          Float32Array.from({ length: 30 }, (_, index) => index),
        ),
      ),
      ids,
    ),
  ]);
  const model = fromBinary(ModelProtoSchema, programToOnnx(program));
  const weights = model.graph!.initializer.find(({ rawData }) => rawData.length === 120)!;
  weights.rawData = new Uint8Array(0);
  weights.dataLocation = 1;
  weights.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'weights.bin' })];
  return toBinary(ModelProtoSchema, model);
}
