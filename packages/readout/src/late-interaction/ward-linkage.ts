/** Two clusters joined. Each is named by one of its points, so the joins can be replayed in any order. */
export interface Join {
  readonly first: number;
  readonly second: number;
  /** Squared height of the join: twice the growth of the sum of squared distances to the cluster means. */
  readonly cost: number;
}

/** Squared Euclidean distances between `rows` points, [rows, rows]; exactly 0 for equal points. */
export function squaredDistances(points: Float64Array, rows: number, dimension: number): Float64Array {
  const distances = new Float64Array(rows * rows);
  for (let i = 1; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      let [sum, other, a, b] = [0, 0, i * dimension, j * dimension];
      const end = a + dimension - (dimension % 2);
      // Two sums, so that an addition need not wait for the one before.
      for (; a < end; a += 2, b += 2) {
        const even = points[a]! - points[b]!;
        const odd = points[a + 1]! - points[b + 1]!;
        sum += even * even;
        other += odd * odd;
      }
      if (dimension % 2 === 1) sum += (points[a]! - points[b]!) ** 2;
      distances[i * rows + j] = sum + other;
      distances[j * rows + i] = sum + other;
    }
  }
  return distances;
}

/**
 * All `rows - 1` joins of Ward's hierarchical clustering, cheapest first: at each step the two clusters whose union has
 * the smallest growth of squared error. Exact, by nearest-neighbour chains (Murtagh 1983; Müllner 2011, algorithm of
 * scipy's `linkage(points, 'ward')`, whose heights are the roots of these costs) in O(rows^2) time and space.
 * A library such as ml-hclust takes O(rows^3).
 *
 * @param distances squared, [rows, rows], symmetric, finite; overwritten.
 */
export function wardJoins(distances: Float64Array, rows: number): Join[] {
  const sizes = new Float64Array(rows).fill(1);
  const active = Int32Array.from({ length: rows }, (_, index) => index);
  const joins: Join[] = [];
  const chain: number[] = [];
  for (let left = rows; left > 1; left--) {
    if (chain.length === 0) chain.push(active[0]!);
    // Follow nearest neighbours until two clusters are each other's: no cheaper join can ever part them.
    for (;;) {
      const tip = chain.at(-1)!;
      // Ties go to the one before, or the chain would run in circles.
      let nearest = chain.length > 1 ? chain.at(-2)! : -1;
      let least = nearest < 0 ? Infinity : distances[tip * rows + nearest]!;
      for (let index = 0; index < left; index++) {
        const other = active[index]!;
        const distance = distances[tip * rows + other]!;
        if (distance < least && other !== tip) [nearest, least] = [other, distance];
      }
      if (chain.length > 1 && nearest === chain.at(-2)) break;
      chain.push(nearest);
    }
    const second = chain.pop()!;
    const first = chain.pop()!;
    const cost = distances[first * rows + second]!;
    joins.push({ first, second, cost });
    active[active.indexOf(second)] = active[left - 1]!;
    unite(distances, rows, sizes, active.subarray(0, left - 1), first, second);
  }
  return joins.sort((a, b) => a.cost - b.cost);
}

/** The union takes the place of `first`: its costs by the recurrence of Lance and Williams (1967). */
function unite(
  distances: Float64Array,
  rows: number,
  sizes: Float64Array,
  active: Int32Array,
  first: number,
  second: number,
): void {
  const [a, b, between] = [sizes[first]!, sizes[second]!, distances[first * rows + second]!];
  for (const other of active) {
    if (other === first) continue;
    const size = sizes[other]!;
    const cost =
      ((a + size) * distances[first * rows + other]! +
        (b + size) * distances[second * rows + other]! -
        size * between) /
      (a + b + size);
    distances[first * rows + other] = cost;
    distances[other * rows + first] = cost;
  }
  sizes[first] = a + b;
}
