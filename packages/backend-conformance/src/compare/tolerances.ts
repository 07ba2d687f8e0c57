import type { FloatDType, PrimitiveOp } from '@ddcl/core/backend';

/**
 * How far a result of one op may lie from the exact one. Everything is an allowance from rounding analysis,
 * in units in the last place (ulp): 2^-23 of a float32, 2^-52 of a float64. What is not listed is exact.
 */
export interface Tolerance {
  /** Ulps of the exact result. */
  readonly ulps: Readonly<Record<FloatDType, number>>;
  /** Further ulps of the result for each unit of |operand|. */
  readonly ulpsPerOperand?: number;
  /** Ulps of 1, whatever the result, where the exact result is below 1. */
  readonly absoluteUlps?: number;
  /**
   * Half ulps of the sum of the absolute values of what was added, for each term: a sum of n terms may be
   * wrong by n times this. Grows with the reduction length.
   */
  readonly perTerm?: number;
  /** Operands without an error and a result that the dtype holds leave nothing to round: float32 is compared exactly then. */
  readonly exactWhereItFits?: boolean;
  readonly reason: string;
}

/** A tolerance for each op that rounds. */
export type ToleranceTable = Readonly<Partial<Record<PrimitiveOp, Tolerance>>>;

const rounded: Tolerance = {
  ulps: { float32: 1, float64: 1 },
  exactWhereItFits: true,
  reason: 'Rounded once (1/2 ulp); WGSL leaves the direction of rounding open (1 ulp).',
};

const anyOrder =
  'Any order of additions of n terms stays within (n - 1) u of the sum of absolute values (Higham, Accuracy and Stability, ' +
  'section 4.2), u = 1/2 ulp: blocked, pairwise and sequential sums all pass. One u more for the products or for storing.';

/** The one table: the rounding that each primitive may add. {@link evaluate} carries it through programs. */
export const tolerances: ToleranceTable = {
  add: rounded,
  sub: rounded,
  mul: rounded,
  div: {
    ulps: { float32: 2.5, float64: 1 },
    reason: 'GPUs multiply by a reciprocal; WGSL allows 2.5 ulp. float64 is IEEE division.',
  },
  sqrt: {
    ulps: { float32: 4, float64: 1 },
    reason: 'WGSL takes the reciprocal of inverseSqrt (2 ulp, then 2.5 of the division). float64 is IEEE.',
  },
  exp: {
    ulps: { float32: 4, float64: 2 },
    ulpsPerOperand: 2,
    reason:
      'Polynomials are good to 2 to 4 ulp (MLAS, Eigen); exp2(x log2 e) in the dtype loses |x| ulp more, for which WGSL allows 3 + 2 |x|.',
  },
  log: {
    ulps: { float32: 4, float64: 2 },
    absoluteUlps: 4,
    reason:
      'Polynomials are good to 2 to 4 ulp; log2(x) ln 2 loses digits next to 1, where WGSL allows 2^-21 (4 ulp of 1).',
  },
  tanh: {
    ulps: { float32: 8, float64: 4 },
    reason:
      'Rational approximations (MLAS, Eigen: up to 6 ulp); of double precision libraries, fdlibm has the widest at 1 ulp.',
  },
  erf: {
    ulps: { float32: 8, float64: 8 },
    reason:
      'Polynomials with an exponential in the tail: MLAS up to 4 ulp; the series of the oracle adds up to 4 in float64.',
  },
  cast: {
    ulps: { float32: 1, float64: 0 },
    reason: 'To float32 is one rounding; to float64, from float to int32 and from float16 is exact.',
  },
  sum: { ulps: { float32: 0, float64: 0 }, perTerm: 1, reason: anyOrder },
  segmentSum: {
    ulps: { float32: 0, float64: 0 },
    perTerm: 1,
    reason: `${anyOrder} n is the number of rows of the segment.`,
  },
  matmul: {
    ulps: { float32: 0, float64: 0 },
    perTerm: 1,
    reason: `${anyOrder} n is the inner size plus 1 for the products.`,
  },
};

/** What a composite may do worse than its decomposition: a factor on the error that the decomposition may have. */
export interface CompositeTolerance {
  readonly factor: number;
  readonly reason: string;
}

const otherOrder: CompositeTolerance = {
  factor: 2,
  reason:
    'A kernel may use another formula of the same conditioning, such as 1/sqrt for a division: other constants, same growth.',
};

/** By versioned name. Nested composites count once, the outermost. */
export const compositeTolerances: Readonly<Record<string, CompositeTolerance>> = {
  'softmax/1': otherOrder,
  'logSumExp/1': otherOrder,
  'layerNorm/1': otherOrder,
  'l2Normalize/1': otherOrder,
  'gelu/1': otherOrder,
  'crossEntropy/1': otherOrder,
  'maskedSoftmax/1': otherOrder,
  'ddcl.assign/1': otherOrder,
  'ddcl.forward/1': otherOrder,
  'ddcl.attend/1': otherOrder,
  'ddcl.forwardGradient/1': otherOrder,
  'ddcl.nearest/1': otherOrder,
  'ddcl.loss/1': otherOrder,
  'ddcl.lossGradient/1': otherOrder,
  'ddcl.lossAndGradient/2': otherOrder,
  'ddcl.hessianProduct/1': otherOrder,
  'ddcl.tokenSums/1': otherOrder,
  'ddcl.segmentMass/1': otherOrder,
  'ddcl.segmentSums/1': otherOrder,
};

/**
 * Shares below the smallest normal float32 may be taken for zero, in float64 as well: no sum notices, and leaving
 * out their exponentials is most of what a kernel can save at a cold temperature.
 */
export const negligibleShare: number = 2 ** -126;

/** Unit roundoff u: half an ulp of 1. */
export const unitRoundoff: Readonly<Record<FloatDType, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/** The smallest normal number. Whatever is smaller may be flushed to zero, as GPUs do. */
export const smallestNormal: Readonly<Record<FloatDType, number>> = { float32: 2 ** -126, float64: 2 ** -1022 };

/**
 * The table with a backend's own tolerances in it.
 * @param own by primitive, each with a reason
 */
export function withTolerances(own: ToleranceTable = {}): ToleranceTable {
  return { ...tolerances, ...own };
}

/** What is wrong with a backend's own tolerances: without a reason, for an op that is exact, or narrower than the table's. */
export function toleranceProblems(own: ToleranceTable): string[] {
  return Object.entries(own).flatMap(([op, tolerance]) => {
    const common = tolerances[op as PrimitiveOp];
    if (common === undefined) return [`There is no tolerance for ${op}: it is exact.`];
    const problems =
      tolerance.reason.trim() === ''
        ? [`The tolerance of ${op} has no reason. Say why the backend cannot do better.`]
        : [];
    const wider =
      (['float32', 'float64'] as const).some((dtype) => tolerance.ulps[dtype] > common.ulps[dtype]) ||
      (tolerance.ulpsPerOperand ?? 0) > (common.ulpsPerOperand ?? 0) ||
      (tolerance.absoluteUlps ?? 0) > (common.absoluteUlps ?? 0) ||
      (tolerance.perTerm ?? 0) > (common.perTerm ?? 0);
    return wider
      ? problems
      : [...problems, `The tolerance of ${op} allows nothing that is not allowed anyway. Remove it.`];
  });
}
