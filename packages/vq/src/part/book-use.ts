import {
  add,
  concat,
  detach,
  div,
  equal,
  gather,
  less,
  maximum,
  mul,
  reshape,
  scalar,
  segmentSum,
  select,
  slice,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import type { Replaced } from '@ddcl/core/train';
import type { Quantizer } from '../quantizers/quantizer.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

type Own = Readonly<Record<string, Tensor>>;

/** Sums over the uses of one codebook, however many levels share it: a codebook is moved once per batch. */
export interface BookUse {
  /** Weights of tokens by code and weighted sums of tokens less their code, [K, 1 + c]. */
  readonly sums: Tensor;
  /** Sum of weights, []. */
  readonly total: Tensor;
  /** Tokens and weights of the first use: where revived codes go. */
  readonly tokens: Tensor;
  readonly column: Tensor;
}

/** Adds one level's tokens to what its codebook has been used for. */
export function addUse(
  before: BookUse | undefined,
  { codes: count }: ResolvedSpec,
  {
    indices,
    tokens,
    codes,
    column,
  }: { readonly indices: Tensor; readonly tokens: Tensor; readonly codes: Tensor; readonly column: Tensor },
): BookUse {
  const own = detach(tokens);
  const sums = segmentSum(concat([column, mul(sub(own, detach(codes)), column)], 1), indices, { segments: count });
  const total = sum(column);
  if (before === undefined) return { sums, total, tokens: own, column };
  return { ...before, sums: add(before.sums, sums), total: add(before.total, total) };
}

/** What a codebook's tensors are after a batch, and which of its trained rows are put elsewhere. */
export interface NextBook {
  readonly next: Own;
  readonly replaced: Replaced | undefined;
}

/**
 * Moves a codebook: averages first, then codes that too few tokens used are put on tokens of the batch. That order keeps them: an average
 * written afterwards would bring the old code back, and so would a mass of before. A code that this batch chose stays.
 *
 * @param rows int32 [K], the token that each code would go to
 */
export function nextBook(
  quantizer: Quantizer,
  spec: ResolvedSpec,
  own: Own,
  use: BookUse,
  rows: Tensor | undefined,
): NextBook {
  const { codes: count, codeDimension: c } = spec;
  const weight = maximum(use.total, 1e-20);
  const mass = reshape(div(slice(use.sums, [0, 0], [count, 1]), weight), [count]);
  const averaged = quantizer.average!(own, { mass, steps: div(slice(use.sums, [0, 1], [count, c]), weight) }, spec);
  const isUsed = less(1e-20, use.total);
  const next = Object.fromEntries(
    Object.entries(averaged).map(([what, value]) => [what, select(isUsed, value, own[what]!)]),
  );
  if (rows === undefined) return { next, replaced: undefined };

  const share = spec.reviveBelow / count;
  const found = gather(use.tokens, rows);
  const isToken = less(0, reshape(gather(use.column, rows), [count]));
  const isDead = mul(mul(less(next['mass']!, share), equal(mass, 0)), mul(isToken, isUsed));
  const column = reshape(isDead, [count, 1]);
  const revived: Record<string, Tensor> = { mass: select(isDead, scalar(mass, share), next['mass']!) };
  if (next['codes'] !== undefined) revived['codes'] = select(column, found, next['codes']);
  if (next['rest'] !== undefined) revived['rest'] = select(column, 0, next['rest']);
  return {
    next: { ...next, ...revived },
    replaced: next['codes'] === undefined ? { rows: isDead, values: found } : undefined,
  };
}
