import { DdclError } from '../errors/ddcl-error.ts';

function requireRank(k: number): void {
  if (!(Number.isSafeInteger(k) && k >= 1)) {
    throw new DdclError('argument', `A ranking is cut at a whole number of results >= 1, but ${k} came.`);
  }
}

function requireRelevances(relevances: ArrayLike<number>): void {
  for (let index = 0; index < relevances.length; index += 1) {
    const relevance = relevances[index] as number;
    if (!(relevance >= 0 && relevance < Infinity)) {
      throw new DdclError('data', `Relevances are finite and >= 0, but result ${index} (from 0) has ${relevance}.`);
    }
  }
}

function countRelevant(relevances: ArrayLike<number>, end: number): number {
  let found = 0;
  for (let index = 0; index < end; index += 1) if ((relevances[index] as number) > 0) found += 1;
  return found;
}

/** Checks that a list does not hold more relevant results than there are. */
function requireTotal(relevances: ArrayLike<number>, total: number): void {
  const found = countRelevant(relevances, relevances.length);
  if (!(Number.isSafeInteger(total) && total >= found)) {
    throw new DdclError(
      'argument',
      `The number of relevant documents must be a whole number >= the ${found} in the list, but ${total} came. Count all of the collection, each once.`,
    );
  }
}

/**
 * Discounted cumulative gain, `DCG@k = sum_{i=1..k} rel_i / log2(i + 1)` (Järvelin and Kekäläinen 2002, with the
 * discount of Burges et al. 2005). The gain is the relevance itself, as in trec_eval and BEIR, and not `2^rel - 1`;
 * for relevances 0 and 1 both are the same.
 *
 * @param relevances of the results, best result first; finite, >= 0. Fewer than k results: the rest gains nothing.
 * @throws DdclError `argument` if k is not a whole number >= 1; `data` for other relevances
 */
export function discountedGain(relevances: ArrayLike<number>, k: number): number {
  requireRank(k);
  requireRelevances(relevances);
  let gain = 0;
  for (let index = 0; index < Math.min(k, relevances.length); index += 1) {
    gain += (relevances[index] as number) / Math.log2(index + 2);
  }
  return gain;
}

/**
 * `nDCG@k = DCG@k / IDCG@k`, 0..1: {@link discountedGain} as a share of that of the best possible ranking; 0 where
 * no document is relevant.
 *
 * @param relevances of the results, best result first.
 * @param ideal how many documents of the collection are relevant, for relevances 0 and 1; or the relevances of all judged
 *   documents of the collection, in any order, for graded ones.
 * @throws DdclError `argument` if k is not a whole number >= 1, or the list is better than the ideal one; `data` as
 *   {@link discountedGain}, and for graded relevances with only a number as `ideal`
 */
export function normalizedDiscountedGain(
  relevances: ArrayLike<number>,
  k: number,
  ideal: number | ArrayLike<number>,
): number {
  const gain = discountedGain(relevances, k);
  let best: number;
  if (typeof ideal === 'number') {
    for (let index = 0; index < relevances.length; index += 1) {
      const relevance = relevances[index] as number;
      if (relevance !== 0 && relevance !== 1) {
        throw new DdclError(
          'data',
          `With a number of relevant documents relevances must be 0 or 1, but result ${index} (from 0) has ${relevance}. Pass the relevances of all judged documents instead.`,
        );
      }
    }
    requireTotal(relevances, ideal);
    best = discountedGain(new Float64Array(Math.min(k, ideal)).fill(1), k);
  } else {
    requireRelevances(ideal);
    best = discountedGain(Float64Array.from(ideal).toSorted().reverse(), k);
  }
  if (best === 0 && gain === 0) return 0;
  // The same sum in another order may differ in its last digits.
  if (gain > best * (1 + 1e-12)) {
    throw new DdclError(
      'argument',
      `The list gains ${gain}, more than the best possible ranking with ${best}. Pass the relevances of all judged documents, those in the list included.`,
    );
  }
  return Math.min(1, gain / best);
}

/**
 * `P@k`: relevant results (relevance > 0) among the first k, divided by k, 0..1. Results that a list of fewer than k lacks
 * count as not relevant, as in trec_eval.
 *
 * @param relevances of the results, best result first.
 * @throws DdclError as {@link discountedGain}
 */
export function precisionAt(relevances: ArrayLike<number>, k: number): number {
  requireRank(k);
  requireRelevances(relevances);
  return countRelevant(relevances, Math.min(k, relevances.length)) / k;
}

/**
 * Average precision, `AP = (1/R) sum_{i: rel_i > 0} P@i`, 0..1 (Buckley and Voorhees 2000; `map` of trec_eval is its mean over
 * queries). A relevant document that is not in the list adds 0; without any relevant document it is 0.
 *
 * @param relevances of the results, best result first; relevant is what is > 0.
 * @param relevantTotal R, how many documents of the collection are relevant.
 * @throws DdclError `argument` if the list has more relevant results than that; `data` as {@link discountedGain}
 */
export function averagePrecision(relevances: ArrayLike<number>, relevantTotal: number): number {
  requireRelevances(relevances);
  requireTotal(relevances, relevantTotal);
  let found = 0;
  let sum = 0;
  for (let index = 0; index < relevances.length; index += 1) {
    if ((relevances[index] as number) === 0) continue;
    found += 1;
    sum += found / (index + 1);
  }
  return relevantTotal === 0 ? 0 : sum / relevantTotal;
}
