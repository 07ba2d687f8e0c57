import type { LinearHead } from './linear-head.ts';
import type { SupervisedPart } from './supervised-part.ts';

type Units = Pick<SupervisedPart, 'slope' | 'shift'>;

/** The numbers of a head: `weights` [C, F], `bias` [C]. */
export type HeadNumbers = Pick<LinearHead, 'weights' | 'bias'>;

/** The same head for features as users see them: W / slope, and b - W / slope . shift. */
export function headToUnits({ weights, bias }: HeadNumbers, { slope, shift }: Units): HeadNumbers {
  const converted = weights.map((weight, index) => weight / slope[index % slope.length]!);
  return { weights: converted, bias: moveBias(bias, converted, shift, -1) };
}

/** The same head for features as programs compute them. */
export function headToTraining({ weights, bias }: HeadNumbers, { slope, shift }: Units): HeadNumbers {
  const converted = weights.map((weight, index) => weight * slope[index % slope.length]!);
  return { weights: converted, bias: moveBias(bias, weights, shift, 1) };
}

function moveBias(bias: Float64Array, weights: Float64Array, shift: Float64Array, sign: number): Float64Array {
  return bias.map((value, row) =>
    shift.reduce((sum, x, at) => sum + sign * x * weights[row * shift.length + at]!, value),
  );
}
