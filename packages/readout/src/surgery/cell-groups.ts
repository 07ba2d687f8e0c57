/** A sample of tokens, cut into cells. */
export interface CellSample {
  /** Row-major, tokens x dimension. */
  readonly rows: Float64Array;
  /** > 0, one per token. */
  readonly weights: Float64Array;
  readonly dimension: number;
}

/** Some cells of tokens seen as one, with what judging needs. */
export interface CellGroup {
  /** The cells it is made of. */
  readonly cells: readonly number[];
  /** Its tokens. */
  readonly members: Int32Array;
  /** Sum of their weights. */
  readonly weight: number;
  readonly centroid: Float64Array;
  /** Squared distances of all tokens of the sample to the centroid. */
  readonly distances: Float64Array;
}

/** The centroid's squared distances and the rest of a group. */
function makeGroup({ rows, weights, dimension }: CellSample, cells: readonly number[], members: Int32Array): CellGroup {
  const centroid = new Float64Array(dimension);
  let weight = 0;
  for (const token of members) {
    const own = weights[token]!;
    weight += own;
    for (let axis = 0; axis < dimension; axis++) centroid[axis]! += own * rows[token * dimension + axis]!;
  }
  for (let axis = 0; axis < dimension; axis++) centroid[axis]! /= weight;
  const distances = new Float64Array(weights.length);
  for (let token = 0; token < weights.length; token++) {
    let total = 0;
    for (let axis = 0; axis < dimension; axis++) total += (rows[token * dimension + axis]! - centroid[axis]!) ** 2;
    distances[token] = total;
  }
  return { cells, members, weight, centroid, distances };
}

/** One group per prototype that is nearest to a token of the sample (the lowest at a tie). */
export function groupsOfCells(sample: CellSample, prototypes: Float64Array): CellGroup[] {
  const { rows, weights, dimension } = sample;
  const members: number[][] = Array.from({ length: prototypes.length / dimension }, () => []);
  for (let token = 0; token < weights.length; token++) {
    let nearest = Infinity;
    let winner = 0;
    for (let k = 0; k < members.length; k++) {
      let distance = 0;
      for (let axis = 0; axis < dimension && distance < nearest; axis++)
        distance += (rows[token * dimension + axis]! - prototypes[k * dimension + axis]!) ** 2;
      if (distance >= nearest) continue;
      nearest = distance;
      winner = k;
    }
    members[winner]!.push(token);
  }
  return members.flatMap((own, k) => (own.length === 0 ? [] : [makeGroup(sample, [k], Int32Array.from(own))]));
}

/** Two groups as one. */
export function joinGroups(sample: CellSample, a: CellGroup, b: CellGroup): CellGroup {
  const members = new Int32Array(a.members.length + b.members.length);
  members.set(a.members);
  members.set(b.members, a.members.length);
  return makeGroup(sample, [...a.cells, ...b.cells], members);
}

export function squaredDistance(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let axis = 0; axis < a.length; axis++) total += (a[axis]! - b[axis]!) ** 2;
  return total;
}
