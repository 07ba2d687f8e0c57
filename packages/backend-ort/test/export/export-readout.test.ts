import {
  encodeSegments,
  encodeTokens,
  isSegmentOutput,
  readoutOutputs,
  readoutProgram,
  type DdclModel,
  type EncodedRows,
  type ReadoutOutput,
  type ReadoutProgramOptions,
  tokensFromArray,
  tokensFromReader,
} from '@ddcl/core/fit';
import { createRandom } from '@ddcl/core';
import { cpuBackend } from '@ddcl/backend-cpu';
import { fromBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { programToOnnx } from '../../src/index.ts';
import { ModelProtoSchema } from '../../src/onnx/onnx_pb.ts';

const dimension = 12;
const count = 5;
const random = createRandom(7);
const normals = (length: number, scale = 1, shift = 0): Float32Array =>
  Float32Array.from({ length }, () => shift + scale * random.normal());

/** Prototypes and tokens around 3, so that the frame's offset matters. */
const model: DdclModel = {
  count,
  dimension,
  dtype: 'float32',
  prototypes: Float64Array.from(normals(count * dimension, 1, 3)),
  temperature: 2.5,
  criticalTemperature: 8,
  offset: new Float64Array(dimension).fill(3),
  scale: 1.7,
  totalVariance: dimension,
};

const exported = (options?: ReadoutProgramOptions): Uint8Array => programToOnnx(readoutProgram(model, options));

async function collect(rows: AsyncIterable<EncodedRows>): Promise<number[]> {
  const all: number[] = [];
  for await (const { data } of rows) all.push(...data);
  return all;
}

/** VLAD by its definition (docs/math.md section 6), in float64. */
function residuals(tokens: ArrayLike<number>, ids: Int32Array, { prototypes, temperature }: DdclModel): number[] {
  const width = count * dimension;
  const all = new Float64Array((Math.max(...ids) + 1) * width);
  for (const [n, segment] of ids.entries()) {
    const away = Array.from(prototypes, (value, at) => tokens[n * dimension + (at % dimension)]! - value);
    const powers = Array.from({ length: count }, (_, k) =>
      Math.exp(-(Math.hypot(...away.slice(k * dimension, (k + 1) * dimension)) ** 2) / temperature),
    );
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (const [at, value] of away.entries()) {
      all[segment * width + at]! += (powers[Math.floor(at / dimension)]! / total) * value;
    }
  }
  for (const size of [dimension, width]) {
    for (let start = 0; start < all.length; start += size) {
      const length = Math.hypot(...all.subarray(start, start + size));
      for (let at = start; at < start + size; at++) all[at] = length === 0 ? 0 : all[at]! / length;
    }
  }
  return [...all];
}

/** What core makes of the same tokens, in float64. */
async function expected(
  what: ReadoutOutput,
  tokens: ArrayLike<number>,
  ids: Int32Array,
  temperature?: number,
): Promise<number[]> {
  if (what === 'residuals') return residuals(tokens, ids, { ...model, temperature: temperature ?? model.temperature });
  const source = tokensFromReader(tokensFromArray(Float64Array.from(tokens), dimension));
  const options = { dtype: 'float64' as const, ...(temperature === undefined ? {} : { temperature }) };
  const backend = cpuBackend();
  const rows = isSegmentOutput(what)
    ? encodeSegments(backend, model, source, ids, what, options)
    : encodeTokens(backend, model, source, what, options);
  const values = await collect(rows);
  backend.dispose();
  return values;
}

async function runFile(bytes: Uint8Array, tokens: Float32Array, ids: Int32Array): Promise<ort.Tensor> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const feeds: Record<string, ort.Tensor> = {
    tokens: new ort.Tensor('float32', tokens, [tokens.length / dimension, dimension]),
  };
  if (session.inputNames.includes('segments')) {
    feeds['segments'] = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length]);
  }
  const results = await session.run(feeds);
  expect(session.outputNames).toHaveLength(1);
  const output = results[session.outputNames[0]!]!;
  await session.release();
  return output;
}

/** The bound for a file against `ddcl encode`: 1e-5 and 2e-8 of the largest logit. */
const tolerance = 1e-5 + 2e-8 * Math.max(...model.prototypes.map(Math.abs)) ** 2 * dimension;

function worst(actual: ort.Tensor, values: readonly number[]): number {
  expect(actual.data).toHaveLength(values.length);
  return Math.max(...values.map((value, index) => Math.abs(value - Number(actual.data[index]))));
}

describe('an exported readout', () => {
  describe.each(readoutOutputs.map((what) => [what]))('%s', (what) => {
    it.each([1, 2, 63, 64, 300])('gives for %i tokens what core gives', async (n) => {
      const tokens = normals(n * dimension, 1, 3);
      // Out of order, with gaps; the last segment has one token.
      const ids = Int32Array.from({ length: n }, (_, index) => (index === n - 1 ? 9 : (index * 4) % 7));
      const output = await runFile(exported({ outputs: [what] }), tokens, ids);
      expect(worst(output, await expected(what, tokens, ids))).toBeLessThan(tolerance);
      const segments = Math.max(...ids) + 1;
      const shapes: Record<ReadoutOutput, number[]> = {
        outputs: [n, dimension],
        assignments: [n, count],
        codes: [n],
        occupancy: [segments, count],
        pooled: [segments, dimension],
        summaries: [segments, count, dimension],
        residuals: [segments, count, dimension],
      };
      expect(output.dims).toEqual(shapes[what]);
      expect(output.type).toBe(what === 'codes' ? 'int32' : 'float32');
    });
  });

  it('takes many tokens of one segment without losing any', async () => {
    // Enough work for several threads: their sums must not overwrite each other.
    const n = 20_000;
    const tokens = normals(n * dimension, 1, 3);
    const ids = new Int32Array(n);
    const output = await runFile(exported({ outputs: ['summaries'] }), tokens, ids);
    expect(worst(output, await expected('summaries', tokens, ids))).toBeLessThan(1e-4);
  });

  it('does not blow up residuals of prototypes that no token is near', async () => {
    // The last prototype is so far off that its share is 1e-11: its residual is nothing, not a direction like the others.
    const prototypes = model.prototypes.slice();
    prototypes.fill(3 + Math.sqrt((30 * model.temperature) / dimension), (count - 1) * dimension);
    const near = normals(20 * dimension, 0.01, 3);
    const ids = Int32Array.from({ length: 20 }, (_, index) => (index === 19 ? 3 : 0));
    const bytes = programToOnnx(readoutProgram({ ...model, prototypes }, { outputs: ['residuals'] }));
    const { data } = await runFile(bytes, near, ids);
    const row = Array.from(data as Float32Array);
    const lengthOf = (start: number, size: number): number => Math.hypot(...row.slice(start, start + size));
    expect(lengthOf(0, count * dimension)).toBeCloseTo(1, 5);
    expect(lengthOf((count - 1) * dimension, dimension)).toBeLessThan(1e-4);
    // Segments 1 and 2 have no tokens.
    expect(row.slice(count * dimension, 3 * count * dimension).every((value) => value === 0)).toBe(true);
  });

  it('uses fused attention if asked to', async () => {
    const tokens = normals(50 * dimension, 1, 3);
    const bytes = programToOnnx(readoutProgram(model), { fused: true });
    const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
    expect(graph!.node.map(({ opType }) => opType)).toContain('MultiHeadAttention');
    expect(opsetImport.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
    const ids = new Int32Array(50);
    expect(worst(await runFile(bytes, tokens, ids), await expected('outputs', tokens, ids))).toBeLessThan(tolerance);
  });

  it('has standard ops only, a symbolic number of tokens, and says what it is', () => {
    for (const what of readoutOutputs) {
      const { graph, opsetImport, metadataProps, producerName } = fromBinary(
        ModelProtoSchema,
        exported({ outputs: [what], version: '1.2.3' }),
      );
      expect(opsetImport).toHaveLength(1);
      expect(Number(opsetImport[0]!.version)).toBeLessThanOrEqual(17);
      const [size] = (graph!.input[0]!.type!.value as { value: { shape: { dim: { value: unknown }[] } } }).value.shape
        .dim;
      expect(size!.value).toEqual({ case: 'dimParam', value: 'n' });
      expect(producerName).toBe('ddcl');
      expect(Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))).toEqual({
        'ddcl.readout': what,
        'ddcl.prototypes': '5',
        'ddcl.dimension': '12',
        'ddcl.temperature': '2.5',
        'ddcl.version': '1.2.3',
      });
    }
  });

  it('takes another temperature', async () => {
    const tokens = normals(30 * dimension, 1, 3);
    const ids = new Int32Array(30);
    const output = await runFile(exported({ outputs: ['assignments'], temperature: 0.1 }), tokens, ids);
    expect(worst(output, await expected('assignments', tokens, ids, 0.1))).toBeLessThan(1e-4);
  });

  it.each([false, true])('does what was done to the data before the fit (normalize %s)', async (normalize) => {
    const raw = normals(40 * dimension, 20, 500);
    raw.fill(0, 0, dimension);
    const standardize = {
      mean: Array.from({ length: dimension }, (_, axis) => (normalize ? 0 : 500 + axis)),
      deviation: Array.from({ length: dimension }, (_, axis) => 20 + axis),
    };
    const seen = Float64Array.from(raw, (x, index) => {
      const axis = index % dimension;
      return (x - standardize.mean[axis]!) / standardize.deviation[axis]!;
    });
    if (normalize) {
      for (let first = 0; first < seen.length; first += dimension) {
        const length = Math.hypot(...seen.subarray(first, first + dimension));
        for (let axis = first; axis < first + dimension; axis++) seen[axis] = length === 0 ? 0 : seen[axis]! / length;
      }
    }
    const ids = new Int32Array(40);
    const output = await runFile(exported({ preprocessing: { standardize, normalize } }), raw, ids);
    // Inputs of 500 in float32 are known to 3e-5, over a deviation of 20.
    expect(worst(output, await expected('outputs', seen, ids))).toBeLessThan(5e-5);
  });

  it('returns several outputs of one pass', async () => {
    const tokens = normals(50 * dimension, 1, 3);
    const ids = Int32Array.from({ length: 50 }, (_, index) => index % 4);
    const outputs = ['occupancy', 'outputs', 'residuals'] as const;
    const session = await ort.InferenceSession.create(exported({ outputs }));
    expect(session.outputNames).toEqual(outputs);
    const results = await session.run({
      tokens: new ort.Tensor('float32', tokens, [50, dimension]),
      segments: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt)),
    });
    for (const output of outputs)
      expect(worst(results[output]!, await expected(output, tokens, ids))).toBeLessThan(tolerance);
    await session.release();
  });

  it.each<[string, ReadoutProgramOptions, string]>([
    ['another output', { outputs: ['everything' as 'outputs'] }, "but 'everything' is not one"],
    ['no output', { outputs: [] }, 'but there is none'],
    ['temperature 0', { temperature: 0 }, 'number > 0'],
    ['temperature NaN', { temperature: NaN }, 'number > 0'],
  ])('refuses %s', (_, options, text) => {
    expect(() => exported(options)).toThrow(text);
  });

  it('refuses fused codes', () => {
    expect(() => programToOnnx(readoutProgram(model, { outputs: ['codes'] }), { fused: true })).toThrow(
      'Leave fused out',
    );
  });
});
