import { groupsOfCells, joinGroups, squaredDistance, type CellGroup, type CellSample } from './cell-groups.ts';
import { axisHistogram, valleyEvidence } from './valley.ts';

/** Groups of cells at one number of groups, on the way from all cells to one. */
export interface JoinStep {
  readonly groups: readonly CellGroup[];
  /** Mean squared distance of the sample's tokens to the centroid of their group. */
  readonly hard: number;
  /** Evidence in nats that the two groups that are joined next are two clusters; undefined for one group. */
  readonly evidence: number | undefined;
  /** 4 times the variance of the group that was parted last, along its axis; undefined at the start. */
  readonly temperature: number | undefined;
}

interface Pair {
  readonly a: CellGroup;
  readonly b: CellGroup;
  readonly evidence: number;
  /** What the summed hard error grows by if they are joined (Ward). */
  readonly growth: number;
}

/**
 * Joins groups of cells two by two until one is left. As long as there are pairs whose evidence of a valley is below
 * `price` nats, the one of them whose union raises the hard error least comes next; after that, the pair of least evidence.
 *
 * @param prototypes [K, m]; their cells on the sample are the start
 */
export function joinPath(sample: CellSample, prototypes: Float64Array, price: number): JoinStep[] {
  const weight = sample.weights.reduce((sum, own) => sum + own, 0);
  const unit = weight / sample.weights.length;
  const compare = (a: CellGroup, b: CellGroup, least = -Infinity): Pair => ({
    a,
    b,
    evidence: Math.max(least, valleyEvidence(axisHistogram(sample, a, b, unit))),
    growth: ((a.weight * b.weight) / (a.weight + b.weight)) * squaredDistance(a.centroid, b.centroid),
  });
  let groups = groupsOfCells(sample, prototypes);
  let pairs = groups.flatMap((a, i) => groups.slice(i + 1).map((b) => compare(a, b)));
  let error = groups.reduce(
    (sum, { members, distances }) => sum + members.reduce((own, n) => own + sample.weights[n]! * distances[n]!, 0),
    0,
  );
  const steps: JoinStep[] = [];
  let temperature: number | undefined;
  for (;;) {
    const next = pairs.reduce<Pair | undefined>((best, pair) => (precedes(pair, best, price) ? pair : best), undefined);
    steps.push({ groups, hard: error / weight, evidence: next?.evidence, temperature });
    if (next === undefined) return steps;
    const { a, b, growth } = next;
    const joined = joinGroups(sample, a, b);
    temperature = 4 * varianceAlong(sample, joined, a.centroid, b.centroid);
    error += growth;
    groups = groups.filter((group) => group !== a && group !== b);
    const touched = new Map<CellGroup, number>(groups.map((group) => [group, Infinity]));
    pairs = pairs.filter((pair) => {
      const isFirst = pair.a === a || pair.a === b;
      if (!isFirst && pair.b !== a && pair.b !== b) return true;
      const other = isFirst ? pair.b : pair.a;
      if (touched.has(other)) touched.set(other, Math.min(touched.get(other)!, pair.evidence));
      return false;
    });
    // What is apart from both parts is apart from their union, even if the union's centroid now lies where no token is.
    for (const group of groups) pairs.push(compare(group, joined, touched.get(group)!));
    groups = [...groups, joined];
  }
}

function precedes(pair: Pair, best: Pair | undefined, price: number): boolean {
  if (best === undefined) return true;
  const [cheap, bestCheap] = [pair.evidence < price, best.evidence < price];
  if (cheap !== bestCheap) return cheap;
  return cheap ? pair.growth < best.growth : pair.evidence < best.evidence;
}

/** Variance of a group along the direction from `from` to `to`. */
function varianceAlong(
  { rows, weights, dimension }: CellSample,
  { members, centroid, weight }: CellGroup,
  from: Float64Array,
  to: Float64Array,
): number {
  const length = Math.sqrt(squaredDistance(from, to));
  if (!(length > 0)) return 0;
  let total = 0;
  for (const token of members) {
    let along = 0;
    for (let axis = 0; axis < dimension; axis++)
      along += ((rows[token * dimension + axis]! - centroid[axis]!) * (to[axis]! - from[axis]!)) / length;
    total += weights[token]! * along * along;
  }
  return total / weight;
}
