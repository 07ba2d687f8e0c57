import { createRandom, DdclError } from '@ddcl/core';
import { wordSplitter, type WordOptions } from './words.ts';

/** A topic that is looked for, by words, by documents, or both. */
export interface TopicSeed {
  readonly words?: readonly string[];
  /** Ids. */
  readonly documents?: readonly string[];
}

export interface GuidedStarts {
  /** @throws DdclError `shape` for a vector of another length; `data` for numbers that are not finite */
  add(id: string, text: string, vector: ArrayLike<number>): void;
  /**
   * Where prototypes start, [count, width]: the seeds' first, in their order, then documents far from those that were chosen before (k-means++, drawn from a sample of 4,096).
   *
   * @throws DdclError `data` for a seed that no document has anything of, ids of a seed that no document has, or fewer documents than starts; `argument` for fewer starts than seeds
   */
  result(count: number): Float64Array;
}

const sampleSize = 4096;

/**
 * Starts of prototypes from seeds, over a stream of documents. A seed starts at the mean of its documents; those that have its words count by the share of its words that they have, squared, so that
 * documents with several of them count most. The result is the `start` of a fit.
 *
 * @param width of a document's vector
 * @throws DdclError `argument` for seeds without words and documents
 */
export function guidedStarts(
  width: number,
  seeds: readonly TopicSeed[],
  options: WordOptions & { readonly seed?: number } = {},
): GuidedStarts {
  const split = wordSplitter(options);
  const wanted = seeds.map(({ words = [], documents = [] }, number) => {
    const own = new Set(words.flatMap((word) => split(word)));
    if (own.size === 0 && documents.length === 0)
      throw new DdclError(
        'argument',
        `Seed ${number} (counted from 0) has no document and no word that counts${words.length === 0 ? '' : ` in ${JSON.stringify(words)}`}. Give words that are no stop words, or ids of documents.`,
      );
    return { words: own, documents: new Set(documents) };
  });
  const sums = seeds.map(() => new Float64Array(width));
  const weights = new Float64Array(seeds.length);
  const random = createRandom(options.seed ?? 0).fork('guided starts');
  const sample: Float64Array[] = [];
  const unseen = wanted.map((seed) => new Set(seed.documents));
  let documents = 0;
  return {
    add(id, text, vector) {
      if (vector.length !== width)
        throw new DdclError(
          'shape',
          `Vectors have ${width} numbers, but document ${JSON.stringify(id)} has ${vector.length}.`,
        );
      for (let axis = 0; axis < width; axis++)
        if (!Number.isFinite(vector[axis]))
          throw new DdclError(
            'data',
            `Vectors must be finite, but document ${JSON.stringify(id)} has ${vector[axis]}.`,
          );
      const words = new Set(split(text));
      for (const ids of unseen) ids.delete(id);
      wanted.forEach((seed, number) => {
        let found = 0;
        for (const word of seed.words) if (words.has(word)) found++;
        const weight = seed.documents.has(id) ? 1 : found === 0 ? 0 : (found / seed.words.size) ** 2;
        if (weight === 0) return;
        weights[number]! += weight;
        for (let axis = 0; axis < width; axis++) sums[number]![axis]! += weight * vector[axis]!;
      });
      documents++;
      const place = sample.length < sampleSize ? sample.length : random.integer(documents);
      if (place < sampleSize) sample[place] = Float64Array.from(vector);
    },
    result(count) {
      if (!(Number.isSafeInteger(count) && count >= seeds.length))
        throw new DdclError('argument', `${seeds.length} seeds need at least as many prototypes, but ${count} came.`);
      if (count - seeds.length > sample.length)
        throw new DdclError(
          'data',
          `${count} starts, ${seeds.length} of them from seeds, need ${count - seeds.length} documents, but there are ${sample.length}.`,
        );
      const starts = new Float64Array(count * width);
      wanted.forEach((seed, number) => {
        if (weights[number] === 0)
          throw new DdclError(
            'data',
            `No document has anything of seed ${number} (counted from 0): ${JSON.stringify([...seed.words, ...seed.documents])}. Look at the spelling, or leave it out.`,
          );
        const lost = Array.from(unseen[number]!, (id) => JSON.stringify(id));
        if (lost.length > 0)
          throw new DdclError(
            'data',
            `There are no documents with the ids ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ` and ${lost.length - 5} more` : ''} of seed ${number} (counted from 0). Look at the spelling, or leave them out.`,
          );
        starts.set(
          sums[number]!.map((sum) => sum / weights[number]!),
          number * width,
        );
      });
      fill(starts, seeds.length, count, width, sample, random.fork('fill'));
      return starts;
    },
  };
}

/** Draws the starts from `first` on by k-means++. */
function fill(
  starts: Float64Array,
  first: number,
  count: number,
  width: number,
  sample: readonly Float64Array[],
  random: ReturnType<typeof createRandom>,
): void {
  const distances = new Float64Array(sample.length).fill(first === 0 ? 1 : Infinity);
  const near = (start: number): void =>
    sample.forEach((row, index) => {
      let distance = 0;
      for (let axis = 0; axis < width; axis++) distance += (row[axis]! - starts[start * width + axis]!) ** 2;
      distances[index] = Math.min(distances[index]!, distance);
    });
  for (let start = 0; start < first; start++) near(start);
  for (let start = first; start < count; start++) {
    let left = random.uniform() * distances.reduce((sum, distance) => sum + distance, 0);
    let chosen = distances.findIndex((distance) => distance > 0 && (left -= distance) < 0);
    if (chosen < 0) chosen = distances.findLastIndex((distance) => distance > 0);
    if (chosen < 0)
      throw new DdclError(
        'data',
        `${count} starts need as many distinct documents, but after ${start} all others equal one of them.`,
      );
    starts.set(sample[chosen]!, start * width);
    if (start === 0) distances.fill(Infinity);
    near(start);
  }
}
