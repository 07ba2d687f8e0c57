import { gradientOf, type Problem } from '../../../backend-conformance/src/oracle/ddcl.ts';

/** The DDCL quantities by plain loops, which are published with the conformance kit. */
export {
  assignmentsOf,
  gradientMassOf,
  gradientOf,
  hessianProductOf,
  outputsOf,
  rowsOf,
  segmentsOf,
  squaredDistance,
  sumsOf,
  type Problem,
} from '../../../backend-conformance/src/oracle/ddcl.ts';

export {
  lossGradientOf,
  nearestOf,
  outputsGradientOf,
  type OperandGradients,
} from '../../../backend-conformance/src/oracle/ddcl-gradients.ts';

type Vector = readonly number[];

const indices = (rows: readonly unknown[]): number[] => rows.map((_, index) => index);

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
