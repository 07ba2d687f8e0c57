import { createRandom, DdclError } from '@ddcl/core';
import { requireWhole } from '../checks/require.ts';
import { principalMap, requireRows, type DocumentMap } from './principal-map.ts';

/** What is used of `UMAP` of umap-js, which is not among the dependencies: `import { UMAP } from 'umap-js'`. */
export type UmapClass = new (options: {
  readonly nComponents: number;
  readonly nNeighbors: number;
  readonly minDist: number;
  readonly random: () => number;
}) => { fit(rows: number[][]): number[][] };

export interface UmapOptions {
  /** Topic of each document, [documents]; places of documents outside the sample come from their topic's. */
  readonly topics: ArrayLike<number>;
  readonly seed?: number;
  /** Documents that UMAP sees. Default 3,000. */
  readonly sample?: number;
  /** Default 15. */
  readonly neighbours?: number;
}

/** Neighbours in the sample whose places a document outside it takes the mean of. */
const nearestCount = 3;
/** umap-js does not end for a few rows (issue 30). */
const fewest = 10;

/**
 * A map by UMAP (McInnes, Healy, Melville 2018) of a sample of the documents; the others lie at the mean of the nearest three of their own topic in it, weighted by 1 / distance. Equal seeds give equal maps. Fewer than 10
 * documents lie on their principal axes, and `made` says so.
 *
 * @param vectors [documents, width]
 * @throws DdclError as `principalMap`; `argument` for options out of range; `shape` for another number of topics
 */
export function umapMap(Umap: UmapClass, vectors: Float32Array, width: number, options: UmapOptions): DocumentMap {
  requireRows(vectors, width);
  const { topics, seed = 0, sample: most = 3000, neighbours = 15 } = options;
  requireWhole('sample', most, fewest);
  requireWhole('neighbours', neighbours, 2);
  const documents = vectors.length / width;
  if (topics.length !== documents)
    throw new DdclError('shape', `${documents} documents need as many topics, but ${topics.length} came.`);
  if (documents < fewest) {
    const { positions, made } = principalMap(vectors, width);
    return { positions, made: `${made} (UMAP takes ${fewest} documents or more)` };
  }
  const random = createRandom(seed).fork('umap');
  const chosen = random.permutation(documents).subarray(0, most).sort();
  const rowOf = (index: number): Float32Array => vectors.subarray(index * width, (index + 1) * width);
  const map = new Umap({
    nComponents: 2,
    nNeighbors: Math.min(neighbours, chosen.length - 1),
    minDist: 0.1,
    random: () => random.uniform(),
  }).fit(Array.from(chosen, (index) => Array.from(rowOf(index))));
  const positions = new Float32Array(2 * documents);
  const isChosen = new Uint8Array(documents);
  const byTopic = new Map<number, number[]>();
  chosen.forEach((index, place) => {
    positions.set(map[place]!, 2 * index);
    isChosen[index] = 1;
    const topic = topics[index]!;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), index]);
  });
  const all = [...chosen];
  for (let index = 0; index < documents; index++) {
    if (isChosen[index] === 1) continue;
    positions.set(placeOf(index, byTopic.get(topics[index]!) ?? all), 2 * index);
  }
  const part = chosen.length < documents ? ` of ${chosen.length.toLocaleString('en')} of them` : '';
  return { positions, made: `its place on a map by UMAP${part}` };

  function placeOf(index: number, among: readonly number[]): [number, number] {
    const own = rowOf(index);
    const near: { other: number; distance: number }[] = [];
    for (const other of among) {
      const row = rowOf(other);
      const worst = near.length < nearestCount ? Infinity : near.at(-1)!.distance;
      let distance = 0;
      for (let axis = 0; axis < width && distance < worst; axis++) distance += (own[axis]! - row[axis]!) ** 2;
      if (distance >= worst) continue;
      if (near.length === nearestCount) near.pop();
      near.push({ other, distance });
      near.sort((a, b) => a.distance - b.distance);
    }
    let [x, y, total] = [0, 0, 0];
    for (const { other, distance } of near) {
      const weight = 1 / (Math.sqrt(distance) + 1e-9);
      x += weight * positions[2 * other]!;
      y += weight * positions[2 * other + 1]!;
      total += weight;
    }
    return [x / total, y / total];
  }
}
