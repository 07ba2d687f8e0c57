import { DdclError } from '@ddcl/core';

/**
 * Which documents are called outliers. They keep their topics.
 * - `entropy`, `distance`: those above a threshold, of the entropy of their assignment in nats or the distance to their topic's prototype; of both, if both are given
 * - `share`: this share of all documents, 0..1: the ones with the highest ranks, by the larger of the ranks of entropy and distance
 */
export type OutlierRule = { readonly entropy?: number; readonly distance?: number } | { readonly share: number };

export interface Outliers {
  /** 1 for each document that is one, [documents]. */
  readonly flags: Uint8Array;
  readonly count: number;
  /** Smallest and largest among the others; NaN without any. */
  readonly others: { readonly entropy: number; readonly distance: number };
}

/**
 * @param entropy nats, [documents]
 * @param distance to the topic's prototype, [documents]
 * @throws DdclError `argument` for a rule that is none; `shape` or `data` for numbers that do not fit
 */
export function findOutliers(entropy: ArrayLike<number>, distance: ArrayLike<number>, rule: OutlierRule): Outliers {
  checkRule(rule);
  const documents = entropy.length;
  if (distance.length !== documents)
    throw new DdclError('shape', `${documents} entropies need ${documents} distances, but ${distance.length} came.`);
  for (let index = 0; index < documents; index++) {
    if (Number.isFinite(entropy[index]) && Number.isFinite(distance[index])) continue;
    throw new DdclError(
      'data',
      `Entropies and distances must be finite, but document ${index} (counted from 0) has ${entropy[index]} and ${distance[index]}.`,
    );
  }
  const flags = 'share' in rule ? byShare(entropy, distance, rule.share) : byThreshold(entropy, distance, rule);
  let [count, mostEntropy, mostDistance] = [0, NaN, NaN];
  for (let index = 0; index < documents; index++) {
    count += flags[index]!;
    if (flags[index] === 1) continue;
    if (!(entropy[index]! <= mostEntropy)) mostEntropy = entropy[index]!;
    if (!(distance[index]! <= mostDistance)) mostDistance = distance[index]!;
  }
  return { flags, count, others: { entropy: mostEntropy, distance: mostDistance } };
}

function checkRule(rule: OutlierRule): void {
  const wanted =
    'Outliers are told by { share: 0.05 }, { entropy: 1.5 }, { distance: 2 }, or { entropy: 1.5, distance: 2 }';
  const values = typeof rule === 'object' && rule !== null ? Object.entries(rule) : [];
  const known = 'share' in Object.fromEntries(values) ? ['share'] : ['entropy', 'distance'];
  const other = values.find(([name]) => !known.includes(name));
  if (values.length === 0 || other !== undefined)
    throw new DdclError('argument', `${wanted}, but ${JSON.stringify(rule)} came.`);
  for (const [name, value] of values as [string, number][]) {
    if (typeof value === 'number' && value >= 0 && value <= (name === 'share' ? 1 : Infinity)) continue;
    const range = name === 'share' ? 'a share from 0 to 1' : 'a number >= 0';
    throw new DdclError('argument', `${name} must be ${range}, but is ${value}.`);
  }
}

function byThreshold(
  entropies: ArrayLike<number>,
  distances: ArrayLike<number>,
  { entropy = -1, distance = -1 }: { readonly entropy?: number; readonly distance?: number },
): Uint8Array {
  return Uint8Array.from(entropies, (own, index) => (own > entropy && distances[index]! > distance ? 1 : 0));
}

function byShare(entropy: ArrayLike<number>, distance: ArrayLike<number>, share: number): Uint8Array {
  const [a, b] = [ranks(entropy), ranks(distance)];
  const order = Uint32Array.from(a, (_, index) => index);
  const score = (index: number): number => Math.max(a[index]!, b[index]!);
  const sum = (index: number): number => a[index]! + b[index]!;
  order.sort((i, j) => score(j) - score(i) || sum(j) - sum(i) || i - j);
  const flags = new Uint8Array(order.length);
  for (const index of order.subarray(0, Math.round(share * order.length))) flags[index] = 1;
  return flags;
}

/** How many are smaller, of each; ties alike. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from(values, (_, index) => index).sort((i, j) => values[i]! - values[j]!);
  const found = new Float64Array(order.length);
  order.forEach((index, place) => {
    const before = place > 0 ? order[place - 1]! : -1;
    found[index] = before >= 0 && values[before] === values[index] ? found[before]! : place;
  });
  return found;
}
