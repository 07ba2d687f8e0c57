import { argMax, DdclError, f32, matmul, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { AbortSignalLike } from '@ddcl/core/fit';

/** Rounds, at most. */
const mostRounds = 10;
/** A round that moves a smaller share of the tokens to another direction is the last. */
const least = 1e-3;
/** Tokens times directions of one product: 32 MiB. */
const productNumbers = 2 ** 23;

/** @throws DdclError `aborted` when the signal fired */
export function requireGoingOn(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw new DdclError('aborted', 'The compression was aborted.');
}

/**
 * Moves directions to the means of the tokens that they are nearest to by cosine, round by round (spherical k-means, Dhillon and Modha 2001). Cells of means within the ball, which is what a fit has, are not those of directions of length 1: a mean of
 * tokens that differ much is short, and so loses tokens to others.
 *
 * @param points [n, m], of length 1
 * @param directions [K, m], of length 1; changed in place
 * @returns the cell of each token
 * @throws DdclError `aborted` when the signal fires
 */
export async function refineDirections(
  backend: Backend,
  points: Float32Array,
  directions: Float32Array,
  { dimension, signal }: { readonly dimension: number; readonly signal?: AbortSignalLike | undefined },
): Promise<Int32Array> {
  const [rows, count] = [points.length / dimension, directions.length / dimension];
  const size = Math.min(rows, Math.max(1, Math.floor(productNumbers / count)));
  const executable = await backend.compile(
    trace(
      [f32(size, dimension), f32(count, dimension)],
      (tokens, axes) => [argMax(matmul(tokens, axes, { transposeB: true }), 1)],
      'nearest direction',
    ),
  );
  const blocks = Array.from({ length: Math.ceil(rows / size) }, (_, block) => {
    const padded = new Float32Array(size * dimension);
    padded.set(points.subarray(block * size * dimension, (block + 1) * size * dimension));
    return backend.upload({ dtype: 'float32', shape: [size, dimension] }, padded);
  });
  try {
    let cells = await nearest();
    for (let round = 0; round < mostRounds; round++) {
      moveToMeans(points, cells, directions, dimension);
      const next = await nearest();
      let moved = 0;
      next.forEach((cell, row) => (moved += cell === cells[row] ? 0 : 1));
      cells = next;
      if (moved < least * rows) break;
    }
    return cells;
  } finally {
    for (const buffer of blocks) backend.free(buffer);
    executable.dispose();
  }

  async function nearest(): Promise<Int32Array> {
    const cells = new Int32Array(blocks.length * size);
    const axes = backend.upload({ dtype: 'float32', shape: [count, dimension] }, directions);
    try {
      for (const [block, tokens] of blocks.entries()) {
        requireGoingOn(signal);
        const [found] = await executable.run([tokens, axes]);
        cells.set((await backend.download(found!)) as Int32Array, block * size);
        backend.free(found!);
      }
    } finally {
      backend.free(axes);
    }
    return cells.subarray(0, rows);
  }
}

/** A direction without tokens, or whose tokens cancel out, stays where it is. */
function moveToMeans(points: Float32Array, cells: Int32Array, directions: Float32Array, dimension: number): void {
  const sums = new Float64Array(directions.length);
  cells.forEach((cell, row) => {
    for (let axis = 0; axis < dimension; axis++) sums[cell * dimension + axis]! += points[row * dimension + axis]!;
  });
  for (let start = 0; start < sums.length; start += dimension) {
    let squares = 0;
    for (let index = start; index < start + dimension; index++) squares += sums[index]! ** 2;
    if (squares === 0) continue;
    for (let index = start; index < start + dimension; index++) directions[index] = sums[index]! / Math.sqrt(squares);
  }
}
