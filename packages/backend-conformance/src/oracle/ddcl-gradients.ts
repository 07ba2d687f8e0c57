import { assignmentsOf, distancesOf, outputsOf, squaredDistance, type Problem } from './ddcl.ts';

type Vector = readonly number[];

const dot = (a: Vector, b: Vector): number => a.reduce((total, x, index) => total + x * b[index]!, 0);

/** A gradient by each operand. */
export interface OperandGradients {
  readonly tokens: number[][];
  readonly weights: number[];
  readonly prototypes: number[][];
  readonly temperature: number;
}

/** How a scalar of one token depends on what it is made of. */
interface TokenDerivatives {
  /** By each q_k. */
  readonly byAssignment: Vector;
  /** By each d_k, other than through q. */
  readonly byDistance: Vector;
  /** By the token and by each p_k, other than through d and q. */
  readonly byToken: Vector;
  readonly byPrototype: readonly Vector[];
}

/** The chain rule, token by token: `dq_j / dd_k = -q_j (delta_jk - q_k) / T` and `dd_k = 2 (z - p_k) (dz - dp_k)`. */
function chain(problem: Problem, derivativesOf: (n: number) => TokenDerivatives): Omit<OperandGradients, 'weights'> {
  const { tokens, prototypes, temperature } = problem;
  const [distances, assignments] = [distancesOf(problem), assignmentsOf(problem)];
  const byPrototypes = prototypes.map((p) => p.map(() => 0));
  let byTemperature = 0;
  const byTokens = tokens.map((z, n) => {
    const { byAssignment, byDistance, byToken, byPrototype } = derivativesOf(n);
    const q = assignments[n]!;
    const mean = dot(q, byAssignment);
    const own = [...byToken];
    prototypes.forEach((p, k) => {
      const slope = q[k]! * (byAssignment[k]! - mean);
      const change = byDistance[k]! - slope / temperature;
      byTemperature += (slope * distances[n]![k]!) / temperature ** 2;
      z.forEach((x, axis) => {
        own[axis]! += 2 * change * (x - p[axis]!);
        byPrototypes[k]![axis]! += 2 * change * (p[axis]! - x) + byPrototype[k]![axis]!;
      });
    });
    return own;
  });
  return { tokens: byTokens, prototypes: byPrototypes, temperature: byTemperature };
}

/** The gradient of `c_q L_q + c_ols L_OLS + c_v V`, each by its own definition (their identity is not used). */
export function lossGradientOf(problem: Problem, [onLq, onLols, onV]: Vector): OperandGradients {
  const { tokens, weights, prototypes } = problem;
  const [distances, assignments, outputs] = [distancesOf(problem), assignmentsOf(problem), outputsOf(problem)];
  const residualOf = (n: number): number[] => tokens[n]!.map((x, axis) => x - outputs[n]![axis]!);
  const spreadOf = (n: number): number[] => prototypes.map((p) => squaredDistance(p, outputs[n]!));
  return {
    ...chain(problem, (n) => {
      const [a, q, y, residual, spread] = [weights[n]!, assignments[n]!, outputs[n]!, residualOf(n), spreadOf(n)];
      return {
        byAssignment: prototypes.map(
          (p, k) => a * (onLq! * distances[n]![k]! - 2 * onLols! * dot(residual, p) + onV! * spread[k]!),
        ),
        byDistance: q.map((share) => onLq! * a * share),
        byToken: residual.map((x) => 2 * onLols! * a * x),
        byPrototype: prototypes.map((p, k) =>
          p.map((x, axis) => 2 * a * q[k]! * (onV! * (x - y[axis]!) - onLols! * residual[axis]!)),
        ),
      };
    }),
    weights: tokens.map((_, n) => {
      const residual = residualOf(n);
      const q = assignments[n]!;
      return onLq! * dot(q, distances[n]!) + onLols! * dot(residual, residual) + onV! * dot(q, spreadOf(n));
    }),
  };
}

/** What a cotangent g [n][m] of `y_n = sum_k q_nk p_k` gives to the operands. */
export function outputsGradientOf(problem: Problem, cotangents: readonly Vector[]): Omit<OperandGradients, 'weights'> {
  const assignments = assignmentsOf(problem);
  return chain(problem, (n) => {
    const g = cotangents[n]!;
    return {
      byAssignment: problem.prototypes.map((p) => dot(g, p)),
      byDistance: problem.prototypes.map(() => 0),
      byToken: g.map(() => 0),
      byPrototype: problem.prototypes.map((_, k) => g.map((x) => assignments[n]![k]! * x)),
    };
  });
}

/** The k nearest prototypes of each token from the nearest on, the lower index first at a tie: [n][k]. */
export function nearestOf(problem: Problem, k: number): { indices: number[][]; distances: number[][] } {
  const ranked = distancesOf(problem).map((distances) =>
    distances
      .map((distance, index) => ({ distance, index }))
      .sort((a, b) => a.distance - b.distance || a.index - b.index)
      .slice(0, k),
  );
  return {
    indices: ranked.map((row) => row.map(({ index }) => index)),
    distances: ranked.map((row) => row.map(({ distance }) => distance)),
  };
}
