import type { Backend } from '@ddcl/core/backend';
import { createRandom, DdclError, matmul, tensorType, trace, type Random } from '@ddcl/core';
import { topEigenpairs } from '@ddcl/core/fit';
import type { Projection } from '../level/fitted-level.ts';

/** Directions that are carried beside those that are wanted, and passes over the rows: N. Halko, P.-G. Martinsson, J. Tropp, SIAM Review 53, 2011. */
const [extra, passes] = [16, 4];

/** Rows for each axis, at least: fewer say nothing of its direction, and the axis is zeros. */
const rowsPerAxis = 8;

/**
 * The directions of largest variance of rows, by subspace iteration: products with the rows run on the backend, so that neither a covariance of
 * `width` x `width` nor an eigenproblem of that size is needed.
 *
 * Each axis is divided by the fourth root of its variance (relative to the first): half way to equal variances, which keeps a few directions from deciding
 * all where the result is scaled to length 1; topics of 20 Newsgroups are better by 2 points of ACC and ARI for it (docs/decisions/0068-hierarchy.md).
 *
 * @param rows [n, width]; centred in place
 * @param components at most `width` and n
 * @throws DdclError `data` for rows that are all equal
 */
export async function principalAxes(
  backend: Backend,
  rows: Float32Array | Float64Array,
  width: number,
  components: number,
  seed: number,
): Promise<Projection> {
  const count = rows.length / width;
  const mean = centre(rows, width);
  const carried = Math.min(components + extra, width, count);
  const products = await openProducts(
    backend,
    rows instanceof Float32Array ? rows : Float32Array.from(rows),
    width,
    carried,
  );
  try {
    let basis = orthonormal(randomNumbers(createRandom(seed).fork('projection'), width * carried), width, carried);
    for (let pass = 0; pass < passes; pass++)
      basis = orthonormal(await products.transposed(await products.forward(basis)), width, carried);
    // Within the subspace the covariance is small enough for an eigenproblem of its own.
    const seen = await products.forward(basis);
    const inner = new Float64Array(carried * carried);
    for (let row = 0; row < count; row++) {
      for (let i = 0; i < carried; i++) {
        const value = seen[row * carried + i]!;
        for (let j = 0; j <= i; j++) inner[i * carried + j]! += value * seen[row * carried + j]!;
      }
    }
    for (let i = 0; i < carried; i++) for (let j = 0; j < i; j++) inner[j * carried + i] = inner[i * carried + j]!;
    const { values, vectors } = topEigenpairs(inner, carried, { count: Math.min(components, carried) });
    if (!(values[0]! > 0)) {
      throw new DdclError(
        'data',
        `All ${count} groups pass on the same numbers, so there is nothing to project. Give documents that differ.`,
      );
    }
    const kept = Math.max(1, Math.floor(count / rowsPerAxis));
    const factors = values.map((value, axis) =>
      axis < kept && value > 1e-9 * values[0]! ? (values[0]! / value) ** 0.25 : 0,
    );
    return { mean, axes: rotated(basis, vectors, factors, width, carried, components) };
  } finally {
    products.dispose();
  }
}

function centre(rows: Float32Array | Float64Array, width: number): Float64Array {
  const count = rows.length / width;
  const mean = new Float64Array(width);
  for (let row = 0; row < count; row++)
    for (let axis = 0; axis < width; axis++) mean[axis]! += rows[row * width + axis]!;
  for (let axis = 0; axis < width; axis++) mean[axis]! /= count;
  for (let row = 0; row < count; row++)
    for (let axis = 0; axis < width; axis++) rows[row * width + axis]! -= mean[axis]!;
  return mean;
}

const randomNumbers = (random: Random, count: number): Float64Array =>
  Float64Array.from({ length: count }, () => random.normal());

/** Products with rows that lie on the device. */
interface Products {
  /** `rows x basis`, [n, carried]. */
  forward(basis: Float64Array): Promise<Float32Array>;
  /** `rows^T x seen`, [width, carried]. */
  transposed(seen: Float32Array): Promise<Float64Array>;
  dispose(): void;
}

async function openProducts(backend: Backend, rows: Float32Array, width: number, carried: number): Promise<Products> {
  const count = rows.length / width;
  const type = (shape: readonly number[]) => ({ dtype: 'float32' as const, shape });
  const [all, basisType, seenType] = [
    [count, width],
    [width, carried],
    [count, carried],
  ];
  const compile = async (second: readonly number[], transposeA: boolean) =>
    backend.compile(
      trace(
        [tensorType('float32', all), tensorType('float32', second)],
        (x, y) => [matmul(x!, y!, { transposeA })],
        'axes',
      ),
    );
  const resident = backend.upload(type(all), rows);
  const [forward, transposed] = [await compile(basisType, false), await compile(seenType, true)];
  const run = async (program: typeof forward, shape: readonly number[], data: Float32Array): Promise<Float32Array> => {
    const operand = backend.upload(type(shape), data);
    const results = await program.run([resident, operand]);
    try {
      return (await backend.download(results[0]!)) as Float32Array;
    } finally {
      for (const buffer of [operand, ...results]) backend.free(buffer);
    }
  };
  return {
    forward: (basis) => run(forward, basisType, Float32Array.from(basis)),
    transposed: async (seen) => Float64Array.from(await run(transposed, seenType, seen)),
    dispose() {
      for (const program of [forward, transposed]) program.dispose();
      backend.free(resident);
    },
  };
}

/** Orthonormal columns of the same span, [width, columns]: Gram and Schmidt, twice, in float64. A column that the others hold becomes zeros. */
function orthonormal(matrix: Float64Array, width: number, columns: number): Float64Array {
  const rows = Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: width }, (_unused, axis) => matrix[axis * columns + column]!),
  );
  for (const [index, row] of rows.entries()) {
    const before = Math.sqrt(dot(row, row));
    for (let round = 0; round < 2; round++)
      for (const earlier of rows.slice(0, index)) addScaled(row, -dot(row, earlier), earlier);
    const length = Math.sqrt(dot(row, row));
    const factor = length > 1e-10 * before ? 1 / length : 0;
    for (let axis = 0; axis < width; axis++) row[axis]! *= factor;
  }
  const result = new Float64Array(width * columns);
  rows.forEach((row, column) => row.forEach((value, axis) => (result[axis * columns + column] = value)));
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function addScaled(target: Float64Array, factor: number, row: Float64Array): void {
  for (let index = 0; index < row.length; index++) target[index]! += factor * row[index]!;
}

/** Axes as rows, [components, width], by their factors; the largest number of each is positive. Where there are fewer rows than components, the last are zeros. */
function rotated(
  basis: Float64Array,
  vectors: Float64Array,
  factors: Float64Array,
  width: number,
  carried: number,
  components: number,
): Float32Array {
  const axes = new Float32Array(components * width);
  for (let component = 0; component < Math.min(components, carried); component++) {
    const axis = new Float64Array(width);
    let peak = 0;
    for (let place = 0; place < width; place++) {
      for (let i = 0; i < carried; i++) axis[place]! += basis[place * carried + i]! * vectors[component * carried + i]!;
      if (Math.abs(axis[place]!) > Math.abs(axis[peak]!)) peak = place;
    }
    const factor = axis[peak]! < 0 ? -factors[component]! : factors[component]!;
    axis.forEach((value, place) => (axes[component * width + place] = factor * value));
  }
  return axes;
}
