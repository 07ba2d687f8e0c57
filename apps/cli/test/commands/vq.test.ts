import { cpuBackend } from '@ddcl/backend-cpu';
import { codebookChecksum, decode, packIndices, quantize, stateFromBytes } from '@ddcl/vq';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { clusters, ddcl, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();
const [rows, dimension] = [203, 4];
const vectors = clusters(rows, dimension, 5);

const at = (name: string): string => folder.at(name);
const vq = (...args: string[]) => succeed(['vq', ...args]);
const fit = (out: string, ...more: string[]) =>
  vq('fit', folder.at('vectors.npy'), '--out', folder.at(out), '--steps', '30', ...more);

beforeAll(async () => {
  folder.write('vectors.npy', npy([rows, dimension], 'float32', vectors.flat));
  await fit('grouped', '--codes', '5', '--groups', '2');
  await fit('standardized', '--codes', '8', '--quantizer', 'ema', '--depth', '2', '--standardize');
  await succeed(['fit', folder.at('vectors.npy'), '--prototypes', '4', '--out', folder.at('prototypes')]);
});

/** What the library says of the vectors by the folder's state, after the preprocessing that config.json tells. */
async function byLibrary(name: string) {
  const state = stateFromBytes(folder.read(`${name}/quantizer.safetensors`));
  const { preprocessing } = folder.json(`${name}/config.json`) as {
    preprocessing: { standardize: { mean: number[]; deviation: number[] } | null; normalize: boolean };
  };
  const { mean, deviation } = preprocessing.standardize ?? {
    mean: Array<number>(dimension).fill(0),
    deviation: Array<number>(dimension).fill(1),
  };
  const data = Float32Array.from(
    vectors.flat,
    (value, index) => (value - mean[index % dimension]!) / deviation[index % dimension]!,
  );
  if (preprocessing.normalize) {
    for (let first = 0; first < data.length; first += dimension) {
      const length = Math.hypot(...vectors.flat.subarray(first, first + dimension));
      for (let axis = 0; axis < dimension; axis++) data[first + axis] = vectors.flat[first + axis]! / length;
    }
  }
  const { indices, report } = await quantize(cpuBackend(), state, { data, shape: [rows, dimension] });
  const restored = decode(state, indices).map(
    (value, index) => value * deviation[index % dimension]! + mean[index % dimension]!,
  );
  return { indices, report, restored, checksum: codebookChecksum(state) };
}

describe('ddcl vq', () => {
  it.each([
    ['grouped', [5, 5]],
    ['standardized', [8, 8]],
  ])('%s: codes and vectors are those of the library', async (name, codes) => {
    const { indices, restored, checksum } = await byLibrary(name);
    const file = folder.at(`${name}.codes`);
    const said = JSON.parse(
      await vq('encode', folder.at(name), folder.at('vectors.npy'), '--out', file, '--json'),
    ) as object;
    expect(said).toMatchObject({
      vectors: rows,
      codesPerVector: 2,
      codes: codes[0],
      bytesPerVector: 6 / 8,
      backend: 'cpu',
    });
    expect(folder.read(`${name}.codes`)).toEqual(Buffer.from(packIndices(indices, codes, checksum)));

    await vq('decode', folder.at(name), file, '--out', folder.at(`${name}.npy`));
    const decoded = await readNpy(folder.at(`${name}.npy`));
    expect(decoded.shape).toEqual([rows, dimension]);
    expect(decoded.data).toEqual(restored);

    const encode = (outputs: string) =>
      succeed([
        'encode',
        folder.at(name),
        folder.at('vectors.npy'),
        '--outputs',
        outputs,
        '--out',
        folder.at(`${name}-${outputs}.npy`),
      ]);
    await encode('codes');
    expect(await readNpy(folder.at(`${name}-codes.npy`))).toMatchObject({ shape: [rows, 2], data: indices });
    await encode('outputs');
    expect(folder.read(`${name}-outputs.npy`)).toEqual(folder.read(`${name}.npy`));
  });

  it('tells error, use and perplexity of all vectors, and keeps them in the folder', async () => {
    const { report } = await byLibrary('grouped');
    const { measures, fit: settings } = folder.json('grouped/config.json') as Record<string, Record<string, unknown>>;
    expect(measures).toMatchObject({
      vectors: rows,
      codes: 5,
      heads: 2,
      quantization: report.quantization,
      use: report.use,
      perplexity: report.perplexity,
      explainedVariance: 1 - report.quantization / report.variance,
    });
    expect(settings).toMatchObject({ kind: 'ddcl', seed: 0, backend: 'cpu' });
    const inspected = JSON.parse(await succeed(['inspect', folder.at('grouped'), '--json'])) as object;
    expect(inspected).toMatchObject({ quantizer: 'ddcl', codes: 5, heads: 2, bytesPerVector: 0.75, measures });
    const page = folder.read('grouped/report.html').toString();
    for (const id of ['books-use', 'books-perplexity', 'levels', 'course-error', 'course-use', 'course-perplexity'])
      expect(page).toContain(`<figure id="${id}">`);
    // Each codebook has a course of its own, whose last line is the smallest error.
    const history = folder.read('grouped/history.jsonl').toString().trim().split('\n');
    const records = history.map((line) => JSON.parse(line) as { slice: number; error?: number });
    for (const slice of [0, 1]) {
      const errors = records.flatMap((record) => (record.slice === slice && record.error ? [record.error] : []));
      expect(errors.length).toBeGreaterThan(3);
      expect(errors.at(-1)).toBeLessThan(errors[0]!);
    }
  });

  it('makes the same bytes from the same seed', async () => {
    await fit('again', '--codes', '5', '--groups', '2');
    expect(folder.read('again/quantizer.safetensors')).toEqual(folder.read('grouped/quantizer.safetensors'));
    await fit('other', '--codes', '5', '--heads', '2', '--seed', '1');
    expect(folder.read('other/quantizer.safetensors')).not.toEqual(folder.read('grouped/quantizer.safetensors'));
  });

  it('compare: a line for each quantizer, with recall where there are groups', async () => {
    const said = await vq(
      'compare',
      folder.at('vectors.npy'),
      '--codes',
      '8',
      '--groups',
      '2',
      '--quantizers',
      'ddcl,k-means,fsq',
      '--steps',
      '30',
      '--out',
      folder.at('compare.html'),
      '--json',
    );
    const {
      rows: lines,
      variance,
      ...counts
    } = JSON.parse(said) as {
      rows: { quantizer: string; error: number; explained: number; recall10: number; bytesPerVector: number }[];
      variance: number;
    };
    expect(counts).toMatchObject({ vectors: 183, queries: 20, dimension });
    expect(lines.map(({ quantizer }) => quantizer)).toEqual(['ddcl', 'k-means', 'fsq']);
    for (const { error, explained, recall10, bytesPerVector } of lines) {
      expect(explained).toBeCloseTo(1 - error / variance, 12);
      expect(bytesPerVector).toBe(6 / 8);
      // By chance 10 of 183 would be found 0.05 of the time.
      expect(recall10).toBeGreaterThan(0.2);
      expect(recall10).toBeLessThanOrEqual(1);
    }
    expect(lines[1]!.explained).toBeGreaterThan(0.8);
    expect(folder.read('compare.html').toString()).toContain('>recall@10<');
  });

  it('compare: without groups the table has no recall', async () => {
    const said = await vq('compare', folder.at('vectors.npy'), '--codes', '4', '--quantizers', 'k-means');
    expect(said).toMatch(/\| k-means +\| 4 \| +0\.25 \|/);
    expect(said).not.toContain('recall');
  });
});

describe('ddcl vq export', () => {
  const run = async (file: string, input: ort.Tensor): Promise<ort.Tensor> => {
    const session = await ort.InferenceSession.create(new Uint8Array(folder.read(file)), { logSeverityLevel: 4 });
    const results = await session.run({ [session.inputNames[0]!]: input });
    return results[session.outputNames[0]!]!;
  };

  it.each(['grouped', 'standardized', 'rotated'])(
    '%s: files that give the codes and vectors of the library',
    async (name) => {
      if (name === 'rotated')
        await fit('rotated', '--codes', '4', '--quantizer', 'ema', '--groups', '2', '--rotate', '--normalize');
      const [encoder, decoder] = [`${name}-encode.onnx`, `${name}-decode.onnx`];
      await vq('export', at(name), '--encoder', at(encoder), '--decoder', at(decoder));
      const { indices, restored } = await byLibrary(name);
      const input = new ort.Tensor('float32', Float32Array.from(vectors.flat), [rows, dimension]);
      const found = await run(encoder, input);
      expect(found.dims).toEqual([rows, 2]);
      expect(found.data).toEqual(indices);
      const back = await run(decoder, new ort.Tensor('int64', BigInt64Array.from(indices, BigInt), [rows, 2]));
      expect(back.dims).toEqual([rows, dimension]);
      // Numbers of order 10 in float32, and sums of a few.
      restored.forEach((value, index) => expect(Math.abs(Number(back.data[index]) - value)).toBeLessThan(1e-5));
    },
  );

  it('fixes the number of vectors where groups share a codebook', async () => {
    await fit('shared', '--codes', '4', '--quantizer', 'ema', '--groups', '2', '--shared-heads');
    const { status, stderr } = await ddcl(['vq', 'export', at('shared'), '--encoder', at('shared.onnx')]);
    expect(stderr).toContain('known number of vectors');
    expect(status).toBe(2);
    await vq('export', at('shared'), '--encoder', at('shared.onnx'), '--vectors', String(rows));
    const { indices } = await byLibrary('shared');
    const input = new ort.Tensor('float32', Float32Array.from(vectors.flat), [rows, dimension]);
    expect((await run('shared.onnx', input)).data).toEqual(indices);
  });
});

describe('ddcl vq refuses', () => {
  beforeAll(async () => {
    await fit('seed', '--codes', '5', '--groups', '2', '--seed', '7');
    await vq('encode', folder.at('grouped'), folder.at('vectors.npy'), '--out', folder.at('right.codes'));
    const right = folder.read('right.codes');
    folder.write('short.codes', right.subarray(0, right.length - 1));
    folder.write('long.codes', Buffer.concat([right, Buffer.of(0)]));
    folder.write('foreign.codes', 'these are no codes, whatever their name says');
    folder.write('stub.codes', right.subarray(0, 10));
    const wrong = Buffer.from(right);
    // All bits of the first code: 7 of 5.
    wrong[36] = wrong[36]! | 0b111;
    folder.write('wrong.codes', wrong);
    folder.write('wide.npy', npy([6, 5], 'float32', new Float64Array(30)));
    folder.write('few.npy', npy([6, 4], 'float32', vectors.flat.subarray(0, 24)));
    folder.write('equal.npy', npy([40, 4], 'float32', new Float64Array(160).fill(2)));
  });

  const refused: [string, () => string[], RegExp][] = [
    [
      'a codes file that is cut short',
      () => ['decode', at('grouped'), at('short.codes'), '--out', at('x.npy')],
      /cut short/,
    ],
    ['one with more bytes', () => ['decode', at('grouped'), at('long.codes'), '--out', at('x.npy')], /was added to/],
    ['a foreign file', () => ['decode', at('grouped'), at('foreign.codes'), '--out', at('x.npy')], /no packed codes/],
    ['a stub', () => ['decode', at('grouped'), at('stub.codes'), '--out', at('x.npy')], /no packed codes/],
    [
      'an index out of range',
      () => ['decode', at('grouped'), at('wrong.codes'), '--out', at('x.npy')],
      /code 0 of vector 0 is 7 of 5/,
    ],
    [
      'codes of a codebook of the same sizes',
      () => ['decode', at('seed'), at('right.codes'), '--out', at('x.npy')],
      /codes of another codebook \(checksum [0-9a-f]{16}\) than the one in .*seed \([0-9a-f]{16}\)/,
    ],
    [
      'codes of another codebook',
      () => ['decode', at('standardized'), at('right.codes'), '--out', at('x.npy')],
      /2 codes of 5 per vector.*2 codes of 8/,
    ],
    [
      'vectors of another width',
      () => ['encode', at('grouped'), at('wide.npy'), '--out', at('x.codes')],
      /dimension 4, but .*wide\.npy has 5/,
    ],
    [
      'prototypes',
      () => ['encode', at('prototypes'), at('vectors.npy'), '--out', at('x.codes')],
      /It holds prototypes/,
    ],
    [
      'a file of another ending',
      () => ['encode', at('grouped'), at('vectors.npy'), '--out', at('x.npy')],
      /does not end in \.codes/,
    ],
    ['one code', () => ['fit', at('vectors.npy'), '--codes', '1', '--out', at('x')], /whole number >= 2/],
    ['no number of codes', () => ['fit', at('vectors.npy'), '--out', at('x')], /ddcl needs the number of its codes/],
    ['fsq without levels', () => ['fit', at('vectors.npy'), '--quantizer', 'fsq', '--out', at('x')], /Give --levels/],
    [
      'an option that a kind has not',
      () => [
        'fit',
        at('vectors.npy'),
        '--quantizer',
        'lfq',
        '--codes',
        '16',
        '--revive-below',
        '0.1',
        '--out',
        at('x'),
      ],
      /lfq has no option reviveBelow/,
    ],
    [
      'groups that do not divide the width',
      () => ['fit', at('vectors.npy'), '--codes', '4', '--groups', '3', '--out', at('x')],
      /cannot be cut into 3 heads/,
    ],
    [
      'heads beside other groups',
      () => ['fit', at('vectors.npy'), '--codes', '4', '--groups', '2', '--heads', '4', '--out', at('x')],
      /are the same option/,
    ],
    ['more codes than vectors', () => ['fit', at('few.npy'), '--codes', '8', '--out', at('x')], /8.*6|6.*8/],
    [
      'equal vectors',
      () => ['fit', at('equal.npy'), '--codes', '8', '--quantizer', 'ema', '--out', at('x')],
      /distinct|equal/,
    ],
    [
      'a folder that is not empty',
      () => ['fit', at('vectors.npy'), '--codes', '8', '--out', at('grouped')],
      /is not empty/,
    ],
    ['an export of nothing', () => ['export', at('grouped')], /nothing to write/],
    ['too few vectors to compare', () => ['compare', at('few.npy'), '--codes', '2'], /Give at least 12/],
    [
      'fsq of a number of codes that is no power of two',
      () => ['compare', at('vectors.npy'), '--codes', '6', '--quantizers', 'fsq'],
      /power of two >= 4, but got 6/,
    ],
  ];
  it.each(refused)('%s', async (_, args, message) => {
    const { status, stderr } = await ddcl(['vq', ...args()]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it.each([
    ['export', ['--onnx', 'x.onnx']],
    ['encode', ['VECTORS', '--outputs', 'pooled', '--out', 'x.npy']],
    ['encode', ['VECTORS', '--outputs', 'codes', '--temperature', '1', '--out', 'x.npy']],
  ])('what only prototypes have: ddcl %s %j', async (command, args) => {
    const paths = args.map((word) =>
      word === 'VECTORS' ? at('vectors.npy') : word.startsWith('x.') ? at(word) : word,
    );
    const { status, stderr } = await ddcl([command, at('grouped'), ...paths]);
    expect(stderr).toContain('quantizer');
    expect(status).toBe(2);
  });
});
