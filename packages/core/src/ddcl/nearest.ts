import { DdclError } from '../errors/ddcl-error.ts';
import { composite } from '../program/composite.ts';
import { iota, scalar } from '../program/ops/create.ts';
import { add, equal, maximum, mul, neg, select, sub } from '../program/ops/elementwise.ts';
import { gather, segmentSum } from '../program/ops/indexing.ts';
import { concat, reshape, slice } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { argMax, max } from '../program/ops/reduce.ts';
import type { Tensor } from '../program/trace.ts';
import { checkOperands, type DdclOperands } from './check-operands.ts';
import { rowSquares, squaresAsRow } from './distances.ts';

/** The prototypes nearest to each token. */
export interface Nearest {
  /** int32 [n], or [n, k] from the nearest on; ties go to the lowest index. Whatever T > 0, it is the largest assignment. */
  readonly indices: Tensor;
  /** `|z_n - p_k|^2`, of the indices' shape, >= 0. */
  readonly distances: Tensor;
}

/**
 * Hard assignment: the nearest prototype of each token and its squared distance, or the `k` nearest. The composite `ddcl.nearest/1` {k}
 * (tokens, prototypes), whose kernels keep a running minimum and no n x K array. Distances have a derivative.
 *
 * @throws DdclError `argument` unless k is a whole number in 1..K
 */
export function nearest({ tokens, prototypes }: Pick<DdclOperands, 'tokens' | 'prototypes'>, k?: number): Nearest {
  checkOperands('ddcl.nearest/1', { tokens, prototypes });
  const [n, count] = [tokens.shape[0]!, prototypes.shape[0]!];
  const wanted = k ?? 1;
  if (!Number.isSafeInteger(wanted) || wanted < 1 || (wanted > 1 && !(wanted <= Number(count)))) {
    throw new DdclError('argument', `k must be a whole number in 1..K, but is ${wanted} for K = ${count}.`, {
      op: 'ddcl.nearest/1',
      shapes: [prototypes.shape],
    });
  }
  const [indices, distances] = composite(
    {
      name: 'ddcl.nearest/1',
      attributes: { k: wanted },
      decomposition: (z, p) => decompose(z!, p!, wanted),
      gradient: ([z, p], [found], [g]) => pullBack(z!, p!, found!, g!, wanted),
    },
    [tokens, prototypes],
  );
  if (k !== undefined) return { indices: indices!, distances: distances! };
  return { indices: reshape(indices!, [n]), distances: reshape(distances!, [n]) };
}

/** Largest where the distance is smallest: |z|^2 is the same for all. What was found leaves the race for the next. */
function decompose(tokens: Tensor, prototypes: Tensor, k: number): Tensor[] {
  const [n, count] = [tokens.shape[0]!, prototypes.shape[0]!];
  const lowest = scalar(tokens, tokens.dtype === 'float32' ? -3.4028234663852886e38 : -Number.MAX_VALUE);
  const squares = rowSquares(tokens);
  let closeness = sub(mul(matmul(tokens, prototypes, { transposeB: true }), 2), squaresAsRow(prototypes));
  const found: Tensor[] = [];
  const distances: Tensor[] = [];
  for (let place = 0; place < k; place++) {
    const index = reshape(argMax(closeness, 1), [n, 1]);
    found.push(index);
    distances.push(maximum(sub(squares, max(closeness, [1], { keepDims: true })), 0));
    if (place + 1 < k) closeness = select(equal(index, iota(index, 'int32', [1, count], 1)), lowest, closeness);
  }
  return [concat(found, 1), concat(distances, 1)];
}

/** `dd = 2 (z - p) (dz - dp)` for each that was found. */
function pullBack(tokens: Tensor, prototypes: Tensor, indices: Tensor, g: Tensor, k: number): Tensor[] {
  const [n, count] = [tokens.shape[0]!, prototypes.shape[0]!];
  const column = (x: Tensor, place: number): Tensor => slice(x, [0, place], [n, 1]);
  const pulls = Array.from({ length: k }, (_, place) => {
    const index = reshape(column(indices, place), [n]);
    const pull = mul(mul(sub(tokens, gather(prototypes, index)), column(g, place)), 2);
    return { pull, onPrototypes: neg(segmentSum(pull, index, { segments: count })) };
  });
  return [
    pulls.map(({ pull }) => pull).reduce((total, each) => add(total, each)),
    pulls.map(({ onPrototypes }) => onPrototypes).reduce((total, each) => add(total, each)),
  ];
}
