/**
 * The DDCL quantities as math.md defines them, one token at a time, in float64: no matrix product, no block, no
 * expansion of squares. It shares no code with the library.
 */
export interface Problem {
  /** n rows of m numbers. */
  readonly tokens: readonly (readonly number[])[];
  /** n numbers. */
  readonly weights: readonly number[];
  /** K rows of m numbers. */
  readonly prototypes: readonly (readonly number[])[];
  readonly temperature: number;
}

type Vector = readonly number[];

export const squaredDistance = (a: Vector, b: Vector): number =>
  a.reduce((total, x, axis) => total + (x - b[axis]!) ** 2, 0);

const dot = (a: Vector, b: Vector): number => a.reduce((total, x, index) => total + x * b[index]!, 0);
const indices = (rows: readonly unknown[]): number[] => rows.map((_, index) => index);

export function distancesOf({ tokens, prototypes }: Problem): number[][] {
  return tokens.map((z) => prototypes.map((p) => squaredDistance(z, p)));
}

export function assignmentsOf(problem: Problem): number[][] {
  return distancesOf(problem).map((distances) => {
    const nearest = Math.min(...distances);
    const powers = distances.map((d) => Math.exp((nearest - d) / problem.temperature));
    const total = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / total);
  });
}

export function outputsOf(problem: Problem): number[][] {
  const { prototypes } = problem;
  return assignmentsOf(problem).map((q) =>
    prototypes[0]!.map((_, axis) => q.reduce((total, share, k) => total + share * prototypes[k]![axis]!, 0)),
  );
}

/** Sums over tokens with their weights. */
export interface Sums {
  readonly lq: number;
  readonly lols: number;
  readonly v: number;
  readonly hard: number;
  readonly entropy: number;
  readonly mass: number[];
  readonly wins: number[];
}

export function sumsOf(problem: Problem): Sums {
  const { tokens, weights, prototypes } = problem;
  const [distances, assignments, outputs] = [distancesOf(problem), assignmentsOf(problem), outputsOf(problem)];
  const sums = {
    lq: 0,
    lols: 0,
    v: 0,
    hard: 0,
    entropy: 0,
    mass: prototypes.map(() => 0),
    wins: prototypes.map(() => 0),
  };
  tokens.forEach((z, n) => {
    const [a, d, q, y] = [weights[n]!, distances[n]!, assignments[n]!, outputs[n]!];
    sums.lq += a * dot(q, d);
    sums.lols += a * squaredDistance(z, y);
    sums.v += a * q.reduce((total, share, k) => total + share * squaredDistance(prototypes[k]!, y), 0);
    sums.hard += a * Math.min(...d);
    sums.entropy -= a * q.reduce((total, share) => total + (share > 0 ? share * Math.log(share) : 0), 0);
    q.forEach((share, k) => (sums.mass[k]! += a * share));
    sums.wins[d.indexOf(Math.min(...d))]! += a;
  });
  return sums;
}

/** `dL_q/dp_k = 2 sum_n a_n w_nk (p_k - z_n)`, K rows. */
export function gradientOf(problem: Problem): number[][] {
  const { tokens, weights, prototypes, temperature } = problem;
  const [distances, assignments] = [distancesOf(problem), assignmentsOf(problem)];
  return prototypes.map((p, k) =>
    p.map((value, axis) =>
      tokens.reduce((total, z, n) => {
        const w = assignments[n]![k]! * (1 - (distances[n]![k]! - dot(assignments[n]!, distances[n]!)) / temperature);
        return total + 2 * weights[n]! * w * (value - z[axis]!);
      }, 0),
    ),
  );
}

/**
 * The Hessian of the summed L_q with respect to the prototypes, dense, [K m][K m]: central differences (four points) of
 * {@link gradientOf}. Good to about 1e-10 of the largest entry with a step of 1e-3 and a T of order 1.
 */
export function denseHessianOf(problem: Problem, step = 1e-3): number[][] {
  const { prototypes } = problem;
  const m = prototypes[0]!.length;
  const moved = (index: number, by: number): number[] =>
    gradientOf({
      ...problem,
      prototypes: prototypes.map((p, k) => p.map((value, axis) => (k * m + axis === index ? value + by : value))),
    }).flat();
  return prototypes.flat().map((_, index) => {
    const [near, back, far, farBack] = [step, -step, 2 * step, -2 * step].map((by) => moved(index, by)) as [
      number[],
      number[],
      number[],
      number[],
    ];
    return near.map((value, at) => (8 * (value - back[at]!) - (far[at]! - farBack[at]!)) / (12 * step));
  });
}

/** `sum a q` [segments][K] and `sum a q z` [segments][K][m] per segment. */
export function segmentsOf(problem: Problem, ids: readonly number[], segments: number) {
  const { tokens, weights, prototypes } = problem;
  const assignments = assignmentsOf(problem);
  const members = (segment: number): number[] => indices(tokens).filter((n) => ids[n] === segment);
  const all = Array.from({ length: segments }, (_, segment) => segment);
  const mass = all.map((segment) =>
    indices(prototypes).map((k) => members(segment).reduce((t, n) => t + weights[n]! * assignments[n]![k]!, 0)),
  );
  const sums = all.map((segment) =>
    indices(prototypes).map((k) =>
      tokens[0]!.map((_, axis) =>
        members(segment).reduce((t, n) => t + weights[n]! * assignments[n]![k]! * tokens[n]![axis]!, 0),
      ),
    ),
  );
  return { mass, sums };
}

/** Weighted mean and covariance (per unit of weight), two passes. */
export function momentsOf(tokens: readonly Vector[], weights: Vector = tokens.map(() => 1)) {
  const total = weights.reduce((a, b) => a + b, 0);
  const axes = indices(tokens[0]!);
  const mean = axes.map((axis) => tokens.reduce((t, z, n) => t + (weights[n]! * z[axis]!) / total, 0));
  const covariance = axes.map((i) =>
    axes.map((j) => tokens.reduce((t, z, n) => t + (weights[n]! * (z[i]! - mean[i]!) * (z[j]! - mean[j]!)) / total, 0)),
  );
  return { weight: total, mean, covariance, trace: axes.reduce((t, axis) => t + covariance[axis]![axis]!, 0) };
}

/** Numbers in rows of a length. */
export function rowsOf(data: ArrayLike<number>, length: number): number[][] {
  return Array.from({ length: data.length / length }, (_, row) =>
    Array.from({ length }, (_unused, axis) => data[row * length + axis]!),
  );
}
