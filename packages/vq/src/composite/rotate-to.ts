import {
  add,
  composite,
  DdclError,
  div,
  formatType,
  less,
  mul,
  select,
  sqrt,
  sub,
  sum,
  zerosLike,
  type Tensor,
} from '@ddcl/core';
import { requireTensor } from '../checks/require.ts';

/** Squared lengths below it count as zero: the direction of such a vector is rounding noise. */
const tiny = 1e-24;

/** Below it `|u + v|^2` of unit vectors says that they are opposite: no rotation between them is the shortest. */
const opposite = 1e-6;

const dot = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b), [1], { keepDims: true });

/**
 * The value of `target`, with the derivative of the rotation and scaling that takes `x` there, held constant (Fifty et al., arXiv
 * 2410.06424). With u = x / |x|, v = target / |target|, w = (u + v) / |u + v| and s = |target| / |x|:
 *
 *     dx = s (g - 2 w (w.g) + 2 u (v.g))
 *
 * and nothing to `target`. Where either is zero, or they point in opposite directions, it is the straight-through estimator: dx = g. The
 * composite `rotateTo/1` (x, target).
 *
 * @param x float [n, m]
 * @param target of the same type
 * @throws DdclError `shape` for others; `argument` for what are no tensors
 */
export function rotateTo(x: Tensor, target: Tensor): Tensor {
  requireTensor('x', x);
  requireTensor('target', target);
  if (x.shape.length !== 2 || formatType(x.type) !== formatType(target.type)) {
    throw new DdclError(
      'shape',
      `rotateTo takes vectors [n, m] and targets of their type, but got ${formatType(x.type)} and ${formatType(target.type)}.`,
      { op: 'rotateTo/1', shapes: [x.shape, target.shape] },
    );
  }
  const [result] = composite(
    {
      name: 'rotateTo/1',
      decomposition: (_from, to) => [to!],
      gradient: ([from, to], _outputs, [g]) => [pullBack(from!, to!, g!), zerosLike(to!)],
    },
    [x, target],
  );
  return result!;
}

function pullBack(x: Tensor, target: Tensor, g: Tensor): Tensor {
  const [squares, targetSquares] = [dot(x, x), dot(target, target)];
  const [isZero, targetIsZero] = [less(squares, tiny), less(targetSquares, tiny)];
  const length = sqrt(select(isZero, 1, squares));
  const targetLength = sqrt(select(targetIsZero, 1, targetSquares));
  const [u, v] = [div(x, length), div(target, targetLength)];
  const between = add(u, v);
  const squared = dot(between, between);
  const isOpposite = less(squared, opposite);
  const reflected = mul(between, div(dot(between, g), select(isOpposite, 1, squared)));
  const turned = add(sub(g, mul(reflected, 2)), mul(mul(u, dot(v, g)), 2));
  const scaled = mul(turned, div(targetLength, length));
  return select(isZero, g, select(targetIsZero, g, select(isOpposite, g, scaled)));
}
