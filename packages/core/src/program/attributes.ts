import type { DType, TypedArray } from './dtype.ts';
import type { Shape } from './tensor-type.ts';

/** Ops of one operand that work element by element. All but `neg` take floats only. */
export type UnaryOp = 'neg' | 'exp' | 'log' | 'sqrt' | 'tanh' | 'erf';

/** Ops of two operands of one dtype with NumPy broadcasting. */
export type ArithmeticOp = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';

/** Ops of two operands of one dtype with NumPy broadcasting; the result is int32, 0 or 1. */
export type ComparisonOp = 'less' | 'equal';

/** Of an op without attributes. */
export type NoAttributes = Readonly<Record<string, never>>;

/**
 * The attributes of every primitive op: what is fixed when the program is made.
 * The keys of this record are the list of primitives; a backend that implements each
 * of them runs every program. What changes from step to step is an input, never an attribute.
 */
export interface PrimitiveAttributes
  extends Record<UnaryOp, NoAttributes>, Record<ArithmeticOp, NoAttributes>, Record<ComparisonOp, NoAttributes> {
  /** `select(condition int32, a, b)`: a where condition is not 0, else b; all three broadcast. */
  readonly select: NoAttributes;
  /** Sum over `axes` (ascending, distinct); of an empty axis: 0. int32 wraps around. */
  readonly sum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** Maximum over `axes` (ascending, distinct), none of which may be empty. */
  readonly max: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** Index of the maximum along `axis`, int32; ties go to the lowest index. The axis disappears. */
  readonly argMax: { readonly axis: number };
  /** Matrix product of the last two axes, each transposed first if asked; leading axes broadcast. Floats only. */
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  readonly reshape: { readonly shape: Shape };
  /** Axis i of the result is axis `permutation[i]` of the operand. */
  readonly transpose: { readonly permutation: readonly number[] };
  readonly broadcastTo: { readonly shape: Shape };
  /** `sizes[i]` elements from `starts[i]` on, for every axis. */
  readonly slice: { readonly starts: readonly number[]; readonly sizes: Shape };
  readonly concat: { readonly axis: number };
  /** `gather(x, indices int32)`: rows of x (axis 0), shape `[...indices.shape, ...x.shape[1:]]`. Indices lie in 0..rows-1. */
  readonly gather: NoAttributes;
  /**
   * `segmentSum(values [n, ...], ids int32 [n])`: `[segments, ...]`, the sums of the rows with each id; an
   * empty segment is zeros. Ids lie in 0..segments-1; `sorted` promises that they never decrease.
   */
  readonly segmentSum: { readonly segments: Shape[number]; readonly sorted: boolean };
  /** A value known when the program is made, row-major; `data` is never changed. */
  readonly constant: { readonly dtype: DType; readonly shape: readonly number[]; readonly data: TypedArray };
  /** 0, 1, 2, ... along `axis`, constant along the others. */
  readonly iota: { readonly dtype: DType; readonly shape: Shape; readonly axis: number };
  /** To another dtype, of which float16 is none; float to int32 truncates towards zero. The one op that takes float16, without rounding. */
  readonly cast: { readonly dtype: DType };
  /** The operand itself; differentiation stops here. */
  readonly detach: NoAttributes;
}

/** Name of a primitive op. */
export type PrimitiveOp = keyof PrimitiveAttributes;
