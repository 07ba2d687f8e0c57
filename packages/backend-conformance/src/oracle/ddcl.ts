/**
 * The DDCL quantities as their definitions say, one token at a time, in float64: no matrix product, no block, no
 * expansion of squares, no program. The sums of several tokens are plain loops.
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

export function squaredDistance(a: Vector, b: Vector): number {
  return a.reduce((total, x, axis) => total + (x - b[axis]!) ** 2, 0);
}

const dot = (a: Vector, b: Vector): number => a.reduce((total, x, index) => total + x * b[index]!, 0);
const indices = (rows: readonly unknown[]): number[] => rows.map((_, index) => index);

/** `d_nk = |z_n - p_k|^2`. */
export function distancesOf({ tokens, prototypes }: Problem): number[][] {
  return tokens.map((z) => prototypes.map((p) => squaredDistance(z, p)));
}

/** `q_nk = softmax_k(-d_nk / T)`. */
export function assignmentsOf(problem: Problem): number[][] {
  return distancesOf(problem).map((distances) => {
    const nearest = Math.min(...distances);
    const powers = distances.map((d) => Math.exp((nearest - d) / problem.temperature));
    const total = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / total);
  });
}

/** `y_n = sum_k q_nk p_k`. */
export function outputsOf(problem: Problem): number[][] {
  const { prototypes } = problem;
  return assignmentsOf(problem).map((q) =>
    prototypes[0]!.map((_, axis) => q.reduce((total, share, k) => total + share * prototypes[k]![axis]!, 0)),
  );
}

/** Sums over tokens with their weights. */
export interface Sums {
  /** `sum a_n sum_k q_nk d_nk`. */
  readonly lq: number;
  /** `sum a_n |z_n - y_n|^2`. */
  readonly lols: number;
  /** `sum a_n sum_k q_nk |p_k - y_n|^2`. */
  readonly v: number;
  /** `sum a_n min_k d_nk`. */
  readonly hard: number;
  /** `-sum a_n sum_k q_nk log q_nk`, in nats. */
  readonly entropy: number;
  /** `sum a_n q_nk`, K numbers. */
  readonly mass: number[];
  /** `sum a_n [k wins n]`, K numbers; ties go to the lowest k. */
  readonly wins: number[];
}

export function sumsOf(problem: Problem): Sums {
  const { tokens, weights, prototypes } = problem;
  const [distances, assignments, outputs] = [distancesOf(problem), assignmentsOf(problem), outputsOf(problem)];
  let [lq, lols, v, hard, entropy] = [0, 0, 0, 0, 0];
  const mass = prototypes.map(() => 0);
  const wins = prototypes.map(() => 0);
  tokens.forEach((z, n) => {
    const [a, d, q, y] = [weights[n]!, distances[n]!, assignments[n]!, outputs[n]!];
    lq += a * dot(q, d);
    lols += a * squaredDistance(z, y);
    v += a * q.reduce((total, share, k) => total + share * squaredDistance(prototypes[k]!, y), 0);
    hard += a * Math.min(...d);
    entropy -= a * q.reduce((total, share) => total + (share > 0 ? share * Math.log(share) : 0), 0);
    q.forEach((share, k) => (mass[k]! += a * share));
    wins[d.indexOf(Math.min(...d))]! += a;
  });
  return { lq, lols, v, hard, entropy, mass, wins };
}

/** `dL_q/dp_k = 2 sum_n a_n w_nk (p_k - z_n)`, K rows; `w_nk = q_nk (1 - (d_nk - l_n) / T)`. */
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

/** `sum_n a_n w_nk`, [K]. */
export function gradientMassOf(problem: Problem): number[] {
  const [distances, assignments] = [distancesOf(problem), assignmentsOf(problem)];
  return problem.prototypes.map((_, k) =>
    problem.weights.reduce((total, weight, n) => {
      const [d, q] = [distances[n]!, assignments[n]!];
      return total + weight * q[k]! * (1 - (d[k]! - dot(q, d)) / problem.temperature);
    }, 0),
  );
}

/** The Hessian of the summed L_q with respect to the prototypes times a direction U, K rows: {@link gradientOf}, differentiated along U by hand. */
export function hessianProductOf(problem: Problem, direction: readonly Vector[]): number[][] {
  const { tokens, weights, prototypes, temperature } = problem;
  const [distances, assignments] = [distancesOf(problem), assignmentsOf(problem)];
  const result = prototypes.map((p) => p.map(() => 0));
  tokens.forEach((z, n) => {
    const [d, q] = [distances[n]!, assignments[n]!];
    const l = dot(q, d);
    const dd = prototypes.map(
      (p, k) =>
        2 *
        dot(
          p.map((x, axis) => x - z[axis]!),
          direction[k]!,
        ),
    );
    const dq = q.map((share, k) => (-share * (dd[k]! - dot(q, dd))) / temperature);
    const dl = dot(dq, d) + dot(q, dd);
    q.forEach((share, k) => {
      const w = share * (1 - (d[k]! - l) / temperature);
      const dw = dq[k]! * (1 - (d[k]! - l) / temperature) - (share * (dd[k]! - dl)) / temperature;
      z.forEach((x, axis) => {
        result[k]![axis]! += 2 * weights[n]! * (dw * (prototypes[k]![axis]! - x) + w * direction[k]![axis]!);
      });
    });
  });
  return result;
}

/** Sums per segment. */
export interface SegmentTotals {
  /** `sum a q`, [segments][K]. */
  readonly mass: number[][];
  /** `sum a q z`, [segments][K][m]. */
  readonly sums: number[][][];
}

export function segmentsOf(problem: Problem, ids: Vector, segments: number): SegmentTotals {
  const { tokens, weights, prototypes } = problem;
  const assignments = assignmentsOf(problem);
  const members = (segment: number): number[] => indices(tokens).filter((n) => ids[n] === segment);
  const all = Array.from({ length: segments }, (_, segment) => segment);
  const mass = all.map((segment) =>
    indices(prototypes).map((k) => members(segment).reduce((t, n) => t + weights[n]! * assignments[n]![k]!, 0)),
  );
  const sums = all.map((segment) =>
    indices(prototypes).map((k) =>
      prototypes[0]!.map((_, axis) =>
        members(segment).reduce((t, n) => t + weights[n]! * assignments[n]![k]! * tokens[n]![axis]!, 0),
      ),
    ),
  );
  return { mass, sums };
}

/** Numbers in rows of a length. */
export function rowsOf(data: ArrayLike<number>, length: number): number[][] {
  return Array.from({ length: data.length / length }, (_, row) =>
    Array.from({ length }, (_unused, axis) => data[row * length + axis]!),
  );
}
