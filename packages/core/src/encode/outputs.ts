import { DdclError } from '../errors/ddcl-error.ts';

/**
 * What each token is turned into (docs/math.md section 6).
 *
 * - `outputs`: `y_n = sum_k q_nk p_k`, m numbers in the tokens' units
 * - `assignments`: `q_nk`, K numbers that sum to 1
 * - `codes`: the nearest prototype (`argmax_k q_nk`), one int32; ties go to the lowest
 */
export type TokenOutput = 'outputs' | 'assignments' | 'codes';

/**
 * What a segment of tokens (a sequence, a document) with weights a_n is turned into (docs/math.md section 6); zeros for one without weight.
 *
 * - `occupancy`: `o_k = sum a q_nk / sum a`, K numbers that sum to 1
 * - `pooled`: `sum_k o_k p_k`, the mean output, m numbers; it has at most K - 1 degrees of freedom
 * - `summaries`: `s_k = sum a q_nk z_n / sum a q_nk`, K * m numbers
 * - `residuals`: `r_k = sum a q_nk (z_n - p_k)`, K * m numbers; each of length 1 and then the whole (VLAD) where normalized
 */
export type SegmentOutput = 'occupancy' | 'pooled' | 'summaries' | 'residuals';

/** What a model can turn tokens into. */
export type ReadoutOutput = TokenOutput | SegmentOutput;

export const tokenOutputs: readonly TokenOutput[] = ['outputs', 'assignments', 'codes'];
export const segmentOutputs: readonly SegmentOutput[] = ['occupancy', 'pooled', 'summaries', 'residuals'];
/** All of them, those per token first. */
export const readoutOutputs: readonly ReadoutOutput[] = [...tokenOutputs, ...segmentOutputs];

/** Whether there is one row per segment, not per token. */
export function isSegmentOutput(output: ReadoutOutput): output is SegmentOutput {
  return (segmentOutputs as readonly ReadoutOutput[]).includes(output);
}

/** Shape of the numbers of one token or segment; [] for a code. */
export function outputShape(
  output: ReadoutOutput,
  { count, dimension }: { readonly count: number; readonly dimension: number },
): number[] {
  if (output === 'codes') return [];
  if (output === 'assignments' || output === 'occupancy') return [count];
  return output === 'outputs' || output === 'pooled' ? [dimension] : [count, dimension];
}

/** How many numbers a token or segment has. */
export function outputWidth(
  output: ReadoutOutput,
  model: { readonly count: number; readonly dimension: number },
): number {
  return outputShape(output, model).reduce((product, size) => product * size, 1);
}

/** Whether a segment's numbers are made of its token sums, and not of its mass alone. */
export const needsTokenSums = (output: SegmentOutput): boolean => output === 'summaries' || output === 'residuals';

/** Whether its numbers are in the tokens' own units, and not relative to the prototypes. */
export const isInTokenUnits = (output: ReadoutOutput): boolean =>
  output === 'outputs' || output === 'pooled' || output === 'summaries';

/** @throws DdclError `argument` for an output that the function does not make, with those that it makes and where the others are made */
export function requireOutput(name: 'encodeTokens' | 'encodeSegments', output: ReadoutOutput): void {
  const own: readonly ReadoutOutput[] = name === 'encodeTokens' ? tokenOutputs : segmentOutputs;
  if (own.includes(output)) return;
  const other = name === 'encodeTokens' ? 'encodeSegments' : 'encodeTokens';
  const remedy = readoutOutputs.includes(output) ? ` ${output} comes from ${other}.` : '';
  throw new DdclError('argument', `${name} gives ${own.join(', ')}, but '${String(output)}' was asked for.${remedy}`);
}
