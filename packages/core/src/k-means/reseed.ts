import { squaredDistance } from '../linalg/squared-distance.ts';
import type { ReservoirSample } from '../tokens/reservoir.ts';

/**
 * Puts each centroid without tokens on the sampled token that costs most: the largest weight times squared distance to its nearest
 * centroid, the lowest at a tie. One after the other, since each changes what the next one finds.
 *
 * @param centroids [K, m], in the sample's units; changed in place
 * @returns how many found a token that costs anything
 */
export function reseed(
  centroids: Float64Array,
  empty: readonly number[],
  { rows, weights, count }: ReservoirSample,
): number {
  if (empty.length === 0) return 0;
  const dimension = rows.length / count;
  const cost = new Float64Array(count).fill(Infinity);
  const offer = (k: number): void => {
    for (let token = 0; token < count; token++) {
      const distance = squaredDistance(rows, token * dimension, centroids, k * dimension, dimension);
      cost[token] = Math.min(cost[token]!, weights[token]! * distance);
    }
  };
  const left = new Set(empty);
  for (let k = 0; k * dimension < centroids.length; k++) if (!left.has(k)) offer(k);
  let placed = 0;
  for (const k of empty) {
    let farthest = 0;
    for (let token = 1; token < count; token++) if (cost[token]! > cost[farthest]!) farthest = token;
    if (!(cost[farthest]! > 0)) break;
    centroids.set(rows.subarray(farthest * dimension, (farthest + 1) * dimension), k * dimension);
    offer(k);
    placed++;
  }
  return placed;
}
