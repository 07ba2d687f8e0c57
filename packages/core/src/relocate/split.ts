import { squaredDistance } from '../linalg/squared-distance.ts';
import type { TokenSample } from './relocate.ts';

/** A cell cut in two at its centroid, across its principal axis. */
export interface Split {
  /** What the summed hard error falls by when two prototypes sit on the halves' centroids instead of one on the whole's. */
  readonly gain: number;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** Products with the cell's covariance: enough for a direction that separates, whatever its precision. */
const powerIterations = 4;

/**
 * Splits every cell; undefined for a cell of fewer than two tokens or without spread. Cells that have the tokens of the call before
 * are not split anew.
 */
export function cellSplitter(
  sample: TokenSample,
  count: number,
): (codes: Int32Array) => readonly (Split | undefined)[] {
  let before: Int32Array | undefined;
  let splits: (Split | undefined)[] = [];
  return (codes) => {
    const members: number[][] = Array.from({ length: count }, () => []);
    const changed = new Set<number>();
    codes.forEach((code, token) => {
      members[code]!.push(token);
      if (before !== undefined && before[token] !== code) changed.add(code).add(before[token]!);
    });
    splits = members.map((cell, k) => {
      if (before !== undefined && !changed.has(k)) return splits[k];
      return cell.length < 2 ? undefined : splitCell(sample, cell);
    });
    before = codes;
    return splits;
  };
}

function centroidOf(
  { rows, weights, dimension }: TokenSample,
  cell: readonly number[],
): { centroid: Float64Array; weight: number } {
  const centroid = new Float64Array(dimension);
  let weight = 0;
  for (const token of cell) {
    weight += weights[token]!;
    for (let axis = 0; axis < dimension; axis++) centroid[axis]! += weights[token]! * rows[token * dimension + axis]!;
  }
  return { centroid: centroid.map((total) => total / weight), weight };
}

function splitCell(sample: TokenSample, cell: readonly number[]): Split | undefined {
  const { rows, dimension } = sample;
  const { centroid } = centroidOf(sample, cell);
  const direction = principalAxis(sample, cell, centroid);
  if (direction === undefined) return undefined;
  const side = (token: number): boolean => {
    let along = 0;
    for (let axis = 0; axis < dimension; axis++)
      along += (rows[token * dimension + axis]! - centroid[axis]!) * direction[axis]!;
    return along > 0;
  };
  const sides = cell.map(side);
  const upper = cell.filter((_, index) => sides[index]);
  const lower = cell.filter((_, index) => !sides[index]);
  if (upper.length === 0 || lower.length === 0) return undefined;
  const [a, b] = [centroidOf(sample, upper), centroidOf(sample, lower)];
  // Steiner: the variance between the halves is what the second prototype saves.
  const gain =
    a.weight * squaredDistance(a.centroid, 0, centroid, 0, dimension) +
    b.weight * squaredDistance(b.centroid, 0, centroid, 0, dimension);
  return { gain, first: a.centroid, second: b.centroid };
}

/** Power iteration on the cell's covariance, from the token farthest from the centroid. */
function principalAxis(
  { rows, weights, dimension }: TokenSample,
  cell: readonly number[],
  centroid: Float64Array,
): Float64Array | undefined {
  let farthest = cell[0]!;
  let most = -1;
  for (const token of cell) {
    const distance = squaredDistance(rows, token * dimension, centroid, 0, dimension);
    if (distance > most) {
      most = distance;
      farthest = token;
    }
  }
  if (!(most > 0)) return undefined;
  let direction = centroid.map((centre, axis) => (rows[farthest * dimension + axis]! - centre) / Math.sqrt(most));
  for (let iteration = 0; iteration < powerIterations; iteration++) {
    const next = new Float64Array(dimension);
    for (const token of cell) {
      let along = 0;
      for (let axis = 0; axis < dimension; axis++)
        along += (rows[token * dimension + axis]! - centroid[axis]!) * direction[axis]!;
      along *= weights[token]!;
      for (let axis = 0; axis < dimension; axis++)
        next[axis]! += along * (rows[token * dimension + axis]! - centroid[axis]!);
    }
    const length = Math.sqrt(next.reduce((total, value) => total + value * value, 0));
    if (!(length > 0)) return direction;
    direction = next.map((value) => value / length);
  }
  return direction;
}
