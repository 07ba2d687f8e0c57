import { DdclError } from '../../errors/ddcl-error.ts';
import { formatType, type TensorType } from '../tensor-type.ts';
import { broadcastShapes, requireFloat, requireSameDType } from './elementwise.ts';

export function inferMatmul(
  inputs: readonly TensorType[],
  { transposeA, transposeB }: { readonly transposeA: boolean; readonly transposeB: boolean },
): TensorType {
  const [a, b] = inputs as [TensorType, TensorType];
  requireSameDType('matmul', inputs);
  requireFloat('matmul', a);
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  if (rankA < 2 || rankB < 2) {
    throw new DdclError(
      'shape',
      `matmul takes matrices (or batches of them), but got ${formatType(a)} and ${formatType(b)}. Reshape a vector to [n, 1] or [1, n].`,
      { op: 'matmul', shapes: [a.shape, b.shape] },
    );
  }
  const rows = a.shape[rankA - (transposeA ? 1 : 2)]!;
  const innerA = a.shape[rankA - (transposeA ? 2 : 1)]!;
  const innerB = b.shape[rankB - (transposeB ? 1 : 2)]!;
  const columns = b.shape[rankB - (transposeB ? 2 : 1)]!;
  if (innerA !== innerB) {
    const mark = (type: TensorType, transposed: boolean): string =>
      formatType(type) + (transposed ? ' transposed' : '');
    throw new DdclError(
      'shape',
      `matmul of ${mark(a, transposeA)} with ${mark(b, transposeB)}: the inner sizes ${innerA} and ${innerB} differ. They must be equal; see transposeA and transposeB.`,
      { op: 'matmul', shapes: [a.shape, b.shape] },
    );
  }
  const leading = [a, b].map((type) => ({ dtype: type.dtype, shape: type.shape.slice(0, -2) }));
  return { dtype: a.dtype, shape: [...broadcastShapes('matmul', leading), rows, columns] };
}
