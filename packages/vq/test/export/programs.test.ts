import { cpuBackend } from '@ddcl/backend-cpu';
import { programToOnnx } from '@ddcl/backend-ort';
import type { NamedProgram } from '@ddcl/core/fit';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  createState,
  decoderProgram,
  encodeImages,
  encoderProgram,
  imageEncoderProgram,
  initialize,
  quantize,
  resolveSpec,
  trainAutoencoder,
} from '../../src/index.ts';
import { stripes } from '../autoencoder/images.ts';
import { kinds, normals, sourceOf, specOf } from '../kinds.ts';
import { codeOf } from '../thrown.ts';

const backend = cpuBackend();
const [count, m] = [30, 4];
const data = normals(count * m, 111);

/** Runs an exported file; whole numbers are int64 outside of it. */
async function runFile(
  program: NamedProgram,
  input: Float32Array | Int32Array,
  shape: readonly number[],
): Promise<number[]> {
  const session = await ort.InferenceSession.create(programToOnnx(program));
  const tensor =
    input instanceof Float32Array
      ? new ort.Tensor('float32', input, shape)
      : new ort.Tensor('int64', BigInt64Array.from(input, BigInt), shape);
  const results = await session.run({ [program.inputs[0]!]: tensor });
  const made = Array.from(results[program.outputs[0]!]!.data as ArrayLike<number | bigint>, Number);
  await session.release();
  return made;
}

describe.each(kinds)('%s as ONNX files', (kind) => {
  it.each([
    ['residual heads', { heads: 2, depth: 2 }, 'n'],
    ['heads that share', { heads: 2, sharedHeads: true }, count],
    ['normed', { norm: 'scale' }, 'n'],
  ] as const)('gives the codes and vectors of the package, %s', async (_, extra, n) => {
    const state = await initialize(backend, specOf(kind, extra), sourceOf(data, m));
    const { indices, hard, indexShape } = await quantize(backend, state, { data, shape: [count, m] });
    expect(await runFile(encoderProgram(state, n), data, [count, m])).toEqual(Array.from(indices));
    const vectors = await runFile(decoderProgram(state, n), indices, indexShape);
    // Products of projections in another order; without them, to the last bit.
    vectors.forEach((value, index) => expect(Math.abs(value - hard[index]!)).toBeLessThan(1e-5));
  });
});

it.each(kinds)('the decoder of %s refuses an index that is no code', async (kind) => {
  const state = createState(specOf(kind, { heads: 2, depth: 2 }));
  const session = await ort.InferenceSession.create(programToOnnx(decoderProgram(state)), { logSeverityLevel: 4 });
  const run = (index: bigint) =>
    session.run({ indices: new ort.Tensor('int64', BigInt64Array.of(0n, 1n, 1n, 0n, 0n, 0n, index, 0n), [2, 4]) });
  const codes = BigInt(resolveSpec(state.spec).codes);
  await expect(run(codes - 1n)).resolves.toHaveProperty('vectors');
  for (const index of [-1n, -codes, codes, codes + 1n, 2n ** 32n, -(2n ** 31n)])
    await expect(run(index), String(index)).rejects.toThrow(/out of (data )?bounds|indices/i);
  await session.release();
});

it('an image comes to its codes in one file', async () => {
  const images = stripes(12, 3);
  const { model } = await trainAutoencoder(backend, images, {
    quantizer: { kind: 'ddcl', dimension: 3, codes: 8, depth: 2 },
    hidden: 8,
    context: 2,
    epochs: 1,
    stepsPerEpoch: 10,
    batch: 16,
  });
  const program = imageEncoderProgram(model, [8, 8]);
  const { indices } = await encodeImages(backend, model, images);
  const pixels = Float32Array.from(images.data.subarray(0, 128), (byte) => byte / 255);
  expect(await runFile(program, pixels, [8, 8, 2])).toEqual(Array.from(indices.subarray(0, 8)));
});

it('heads that share a codebook need a number of vectors', async () => {
  const state = createState(specOf('vq', { heads: 2, sharedHeads: true }));
  expect(await codeOf(() => encoderProgram(state))).toBe('argument');
  expect(await codeOf(() => decoderProgram(state))).toBe('argument');
});
