import { requireTraced, Tensor } from '../trace.ts';

export interface MatmulOptions {
  /** Transpose the last two axes of the first operand. Default false. */
  readonly transposeA?: boolean;
  /** Transpose the last two axes of the second operand. Default false. */
  readonly transposeB?: boolean;
}

/** Matrix product of the last two axes; leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  requireTraced(a.builder, b);
  return new Tensor(a.builder, a.builder.add('matmul', [a.id, b.id], { transposeA, transposeB }));
}
