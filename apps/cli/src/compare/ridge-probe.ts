import { createRandom, matmul, mul, reshape, tensorType, trace, transpose, type Tensor } from '@ddcl/core';
import type { Backend, DeviceBuffer, Executable } from '@ddcl/core/backend';
import { stratifiedShare } from './documents.ts';
import { applyScaling, measureScaling, type FeatureMatrix } from './feature-matrix.ts';
import { solveShifted } from './shifted-systems.ts';

/** Features and classes of documents. */
export interface LabelledFeatures {
  readonly features: FeatureMatrix;
  /** Number of each document's class, from 0. */
  readonly classes: Int32Array;
}

export interface ProbeOptions {
  /** Classes C. */
  readonly count: number;
  /** Splits train into fit and validation. Default 0. */
  readonly seed?: number;
  /** Share of train on which the penalty is chosen. Default 0.15. */
  readonly validationShare?: number;
}

export interface ProbeResult {
  /** Share of test documents whose class was found, 0..1. */
  readonly accuracy: number;
  /** Of the validation documents, at the penalty that was chosen. */
  readonly validationAccuracy: number;
  /** The penalty, as a share of the mean squared feature. */
  readonly penalty: number;
  /** Class of each test document. */
  readonly predictions: Int32Array;
}

/** Penalties that are tried, as shares of the mean diagonal of the features' Gram matrix. */
export const penaltyShares: readonly number[] = [1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];

/** Numbers of one block of features on the device. */
const blockElements = 1 << 25;

/**
 * A linear classifier in closed form: ridge regression of one-of-C targets on features (one against the rest), columns with mean 0
 * and deviation 1. The penalty is the one that is right most often on a held-out share of train; then all of train is used.
 * Deterministic for a seed.
 */
export async function ridgeProbe(
  backend: Backend,
  train: LabelledFeatures,
  test: LabelledFeatures,
  { count, seed = 0, validationShare = 0.15 }: ProbeOptions,
): Promise<ProbeResult> {
  const { documents } = train.features;
  const all = Int32Array.from({ length: documents }, (_, index) => index);
  const validation = stratifiedShare(train.classes, count, validationShare, createRandom(seed).fork('validation'));
  const isValidation = new Uint8Array(documents);
  for (const row of validation) isValidation[row] = 1;
  const fitted = all.filter((row) => isValidation[row] === 0);

  const scaling = measureScaling(train.features, all);
  const solver = await createSolver(backend, applyScaling(train.features, scaling), train.classes, count);
  try {
    const tried = await solver.solve(fitted, penaltyShares);
    let best = 0;
    let bestAccuracy = -1;
    for (const [index, weights] of tried.entries()) {
      const found = accuracyOf(await solver.predict(weights), train.classes, validation);
      if (found > bestAccuracy) [best, bestAccuracy] = [index, found];
    }
    const [final] = await solver.solve(all, [penaltyShares[best]!]);
    const tested = await createSolver(backend, applyScaling(test.features, scaling), test.classes, count);
    try {
      const predictions = await tested.predict(final!);
      const rows = Int32Array.from({ length: test.features.documents }, (_, index) => index);
      return {
        accuracy: accuracyOf(predictions, test.classes, rows),
        validationAccuracy: bestAccuracy,
        penalty: penaltyShares[best]!,
        predictions,
      };
    } finally {
      tested.dispose();
    }
  } finally {
    solver.dispose();
  }
}

function accuracyOf(predictions: Int32Array, classes: Int32Array, rows: Int32Array): number {
  return rows.reduce((right, row) => right + (predictions[row] === classes[row] ? 1 : 0), 0) / rows.length;
}

interface Weights {
  /** [F, C]. */
  readonly weights: Float32Array;
  /** [C]. */
  readonly bias: Float64Array;
}

interface Solver {
  solve(rows: Int32Array, shares: readonly number[]): Promise<Weights[]>;
  predict(weights: Weights): Promise<Int32Array>;
  dispose(): void;
}

/** `X^T Y` as `(Y^T X)^T`: transposing the large matrix would be a copy of it in each product. */
const byFeature = (y: Tensor, x: Tensor): Tensor => transpose(matmul(y, x, { transposeA: true }), [1, 0]);

/** Features on the device, in blocks of rows. */
async function createSolver(
  backend: Backend,
  { data, documents, width }: FeatureMatrix,
  classes: Int32Array,
  count: number,
): Promise<Solver> {
  const most = Math.min(blockElements, Math.floor(backend.capabilities.maxBufferBytes / 4));
  const rows = Math.max(1, Math.min(documents, Math.floor(most / width)));
  const f32 = (shape: readonly number[]): ReturnType<typeof tensorType> => tensorType('float32', shape);
  const score = await backend.compile(
    trace([f32([rows, width]), f32([width, count])], (x, w) => [matmul(x, w)], 'probe scores'),
  );
  const gram = await backend.compile(
    trace(
      [f32([rows, width]), f32([rows]), f32([width, count])],
      (x, a, w) => [byFeature(mul(matmul(x, w), reshape(a, [rows, 1])), x)],
      'probe product',
    ),
  );
  const back = await backend.compile(
    trace([f32([rows, width]), f32([rows, count])], (x, y) => [byFeature(y, x)], 'probe targets'),
  );
  const blocks: DeviceBuffer[] = [];
  for (let first = 0; first < documents; first += rows) {
    const block = new Float32Array(rows * width);
    block.set(data.subarray(first * width, (first + rows) * width));
    blocks.push(backend.upload({ dtype: 'float32', shape: [rows, width] }, block));
  }
  const run = async (
    executable: Executable,
    inputs: readonly [readonly number[], Float32Array][],
    block: DeviceBuffer,
  ): Promise<Float32Array> => {
    const uploaded = inputs.map(([shape, values]) => backend.upload({ dtype: 'float32', shape }, values));
    const [result] = await executable.run([block, ...uploaded], { donate: uploaded.map((_, index) => index + 1) });
    const numbers = (await backend.download(result!)) as Float32Array;
    backend.free(result!);
    return numbers;
  };
  /** Sums over blocks of something of shape [F, C]. */
  const overBlocks = async (
    executable: Executable,
    inputs: (first: number) => readonly [readonly number[], Float32Array][],
  ): Promise<Float32Array> => {
    let total: Float32Array | undefined;
    for (const [index, block] of blocks.entries()) {
      const part = await run(executable, inputs(index * rows), block);
      if (total === undefined) total = part;
      else part.forEach((value, at) => (total![at]! += value));
    }
    return total!;
  };
  const ofBlock = (values: Float32Array, first: number, per: number): Float32Array => {
    const part = new Float32Array(rows * per);
    part.set(values.subarray(first * per, (first + rows) * per));
    return part;
  };

  return {
    async solve(used, shares) {
      const weights = new Float32Array(documents);
      for (const row of used) weights[row] = 1;
      const share = new Float64Array(count);
      for (const row of used) share[classes[row]!]! += 1 / used.length;
      const targets = new Float32Array(documents * count);
      for (const row of used)
        for (let c = 0; c < count; c++) targets[row * count + c] = (classes[row] === c ? 1 : 0) - share[c]!;
      const right = await overBlocks(back, (first) => [[[rows, count], ofBlock(targets, first, count)]]);
      let diagonal = 0;
      for (const row of used)
        for (let at = row * width; at < (row + 1) * width; at++) diagonal += data[at]! * data[at]!;
      const { solutions } = await solveShifted(
        (x) =>
          overBlocks(gram, (first) => [
            [[rows], ofBlock(weights, first, 1)],
            [[width, count], x],
          ]),
        right,
        count,
        shares.map((value) => (value * diagonal) / width),
      );
      return solutions.map((solution) => ({ weights: solution, bias: share }));
    },
    async predict({ weights, bias }) {
      const predictions = new Int32Array(documents);
      for (const [index, block] of blocks.entries()) {
        const scores = await run(score, [[[width, count], weights]], block);
        for (let row = 0; row < rows && index * rows + row < documents; row++) {
          let best = 0;
          for (let c = 1; c < count; c++)
            if (scores[row * count + c]! + bias[c]! > scores[row * count + best]! + bias[best]!) best = c;
          predictions[index * rows + row] = best;
        }
      }
      return predictions;
    },
    dispose() {
      for (const block of blocks) backend.free(block);
      for (const executable of [score, gram, back]) executable.dispose();
    },
  };
}
