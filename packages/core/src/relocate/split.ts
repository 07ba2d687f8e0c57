import { innerProduct } from '../linalg/inner-product.ts';
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

/** A cell's tokens about its centroid, side by side, so that products with its covariance run along memory. */
interface CentredCell {
  readonly rows: Float32Array | Float64Array;
  readonly weights: Float64Array;
  readonly centroid: Float64Array;
  readonly weight: number;
  /** Whose distance from the centroid is greatest; undefined where all tokens are equal. */
  readonly farthest: number | undefined;
}

function centre({ rows, weights, dimension }: TokenSample, cell: readonly number[]): CentredCell {
  const own = Float64Array.from(cell, (token) => weights[token]!);
  const weight = own.reduce((total, each) => total + each, 0);
  const centroid = new Float64Array(dimension);
  cell.forEach((token, index) => addRow(centroid, own[index]! / weight, rows, token * dimension));
  const centred =
    rows instanceof Float32Array
      ? new Float32Array(cell.length * dimension)
      : new Float64Array(cell.length * dimension);
  let farthest: number | undefined;
  let most = 0;
  for (let index = 0; index < cell.length; index++) {
    const [from, to] = [cell[index]! * dimension, index * dimension];
    for (let axis = 0; axis < dimension; axis++) centred[to + axis] = rows[from + axis]! - centroid[axis]!;
    const square = innerProduct(centred, to, centred, to, dimension);
    if (square > most) [most, farthest] = [square, index];
  }
  return { rows: centred, weights: own, centroid, weight, farthest };
}

/** `total += factor * row`, in place. */
function addRow(total: Float64Array, factor: number, rows: Float32Array | Float64Array, from: number): void {
  for (let axis = 0; axis < total.length; axis++) total[axis]! += factor * rows[from + axis]!;
}

function splitCell(sample: TokenSample, tokens: readonly number[]): Split | undefined {
  const { dimension } = sample;
  const cell = centre(sample, tokens);
  if (cell.farthest === undefined) return undefined;
  const direction = principalAxis(cell, cell.farthest, dimension);
  // One half's sum tells both, since together they are about the centroid.
  const sum = new Float64Array(dimension);
  let upper = 0;
  for (let index = 0; index < tokens.length; index++) {
    if (!(innerProduct(cell.rows, index * dimension, direction, 0, dimension) > 0)) continue;
    upper += cell.weights[index]!;
    addRow(sum, cell.weights[index]!, cell.rows, index * dimension);
  }
  const lower = cell.weight - upper;
  if (!(upper > 0 && lower > 0)) return undefined;
  // Steiner: the variance between the halves is what the second prototype saves.
  const gain = innerProduct(sum, 0, sum, 0, dimension) * (1 / upper + 1 / lower);
  return {
    gain,
    first: cell.centroid.map((centre, axis) => centre + sum[axis]! / upper),
    second: cell.centroid.map((centre, axis) => centre - sum[axis]! / lower),
  };
}

/** Power iteration on the cell's covariance, from the token farthest from the centroid. */
function principalAxis({ rows, weights }: CentredCell, farthest: number, dimension: number): Float64Array {
  let direction = Float64Array.from(rows.subarray(farthest * dimension, (farthest + 1) * dimension));
  for (let iteration = 0; iteration < powerIterations; iteration++) {
    const next = new Float64Array(dimension);
    for (let index = 0; index < weights.length; index++) {
      const from = index * dimension;
      addRow(next, weights[index]! * innerProduct(rows, from, direction, 0, dimension), rows, from);
    }
    const length = Math.sqrt(innerProduct(next, 0, next, 0, dimension));
    if (!(length > 0)) return direction;
    direction = next.map((value) => value / length);
  }
  return direction;
}
