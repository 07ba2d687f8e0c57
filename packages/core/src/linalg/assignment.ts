import { DdclError } from '../errors/ddcl-error.ts';

/** Options of {@link assignment}. */
export interface AssignmentOptions {
  /** Find the largest sum instead of the smallest. Default false. */
  readonly maximise?: boolean;
}

/**
 * The linear assignment problem: pairs rows with columns one to one, so that the sum of the chosen entries
 * is smallest. `min(rows, columns)` pairs are made.
 *
 * Hungarian method by shortest augmenting paths with dual variables (R. Jonker, A. Volgenant, *Computing* 38,
 * 1987); time O(s^2 l) for the shorter side s and the longer side l.
 *
 * @param cost rows x columns, row-major, finite.
 * @returns for each row its column, or -1 for a row without one (only when rows > columns).
 * @throws DdclError `shape` when `cost` has another length, `data` when an entry is not finite.
 */
export function assignment(
  cost: ArrayLike<number>,
  rows: number,
  columns: number,
  options: AssignmentOptions = {},
): Int32Array {
  if (
    !Number.isSafeInteger(rows) ||
    !Number.isSafeInteger(columns) ||
    rows < 0 ||
    columns < 0 ||
    cost.length !== rows * columns
  ) {
    throw new DdclError('shape', `A ${rows} x ${columns} cost matrix was announced, but ${cost.length} numbers came.`);
  }
  for (let i = 0; i < cost.length; i += 1) {
    if (!Number.isFinite(cost[i])) {
      throw new DdclError(
        'data',
        `Costs must be finite, but entry ${i} is ${cost[i]}. Use a large number for a forbidden pair.`,
      );
    }
  }
  const sign = options.maximise === true ? -1 : 1;
  if (rows <= columns) return matchShortSide(rows, columns, (i, j) => sign * (cost[i * columns + j] as number));

  const rowOfColumn = matchShortSide(columns, rows, (j, i) => sign * (cost[i * columns + j] as number));
  const columnOfRow = new Int32Array(rows).fill(-1);
  rowOfColumn.forEach((row, column) => {
    columnOfRow[row] = column;
  });
  return columnOfRow;
}

/** Partner on the long side of each element of the short side. */
function matchShortSide(short: number, long: number, cost: (i: number, j: number) => number): Int32Array {
  const potentialShort = new Float64Array(short);
  const potentialLong = new Float64Array(long);
  const partnerOfLong = new Int32Array(long).fill(-1);
  const partnerOfShort = new Int32Array(short).fill(-1);
  const distance = new Float64Array(long);
  const previous = new Int32Array(long);
  const done = new Uint8Array(long);

  for (let start = 0; start < short; start += 1) {
    // Dijkstra over reduced costs from the free `start` to the nearest free element of the long side.
    distance.fill(Infinity);
    previous.fill(-1);
    done.fill(0);
    let i = start;
    let reached = 0;
    let end = -1;
    while (end < 0) {
      let nearest = -1;
      for (let j = 0; j < long; j += 1) {
        if (done[j] === 1) continue;
        const through = reached + cost(i, j) - (potentialShort[i] as number) - (potentialLong[j] as number);
        if (through < (distance[j] as number)) {
          distance[j] = through;
          previous[j] = i;
        }
        if (nearest < 0 || (distance[j] as number) < (distance[nearest] as number)) nearest = j;
      }
      reached = distance[nearest] as number;
      done[nearest] = 1;
      const partner = partnerOfLong[nearest] as number;
      if (partner < 0) end = nearest;
      else i = partner;
    }

    // Keep reduced costs >= 0, and = 0 on every pair.
    potentialShort[start] = (potentialShort[start] as number) + reached;
    for (let j = 0; j < long; j += 1) {
      if (done[j] === 0 || j === end) continue;
      const slack = reached - (distance[j] as number);
      const partner = partnerOfLong[j] as number;
      potentialLong[j] = (potentialLong[j] as number) - slack;
      potentialShort[partner] = (potentialShort[partner] as number) + slack;
    }

    // Swap pairs along the path.
    for (let j = end; ;) {
      const owner = previous[j] as number;
      const next = partnerOfShort[owner] as number;
      partnerOfLong[j] = owner;
      partnerOfShort[owner] = j;
      if (owner === start) break;
      j = next;
    }
  }
  return partnerOfShort;
}
