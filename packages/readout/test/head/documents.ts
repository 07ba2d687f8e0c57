import { createRandom, type FloatDType } from '@ddcl/core';
import type { DdclModel, TokenBlock } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../../src/sequences/sequence-reader.ts';

/** Documents in memory. */
export function readerOf(
  documents: readonly (readonly (readonly number[])[])[],
  dimension: number,
  weights?: readonly (readonly number[])[],
): SequenceReader {
  const blocks = documents.map((tokens, index): TokenBlock => {
    const own = weights === undefined ? {} : { weights: Float64Array.from(weights[index]!) };
    return { data: Float64Array.from(tokens.flat()), rows: tokens.length, ...own };
  });
  return {
    dimension,
    sequences: documents.length,
    lengths: Int32Array.from(documents, (tokens) => tokens.length),
    read: (index) => Promise.resolve(blocks[index]!),
  };
}

/** A backend that counts what it compiles. */
export function counting(backend: Backend): { backend: Backend; names: string[] } {
  const names: string[] = [];
  return {
    names,
    backend: {
      ...backend,
      compile: (program) => {
        names.push(program.name);
        return backend.compile(program);
      },
    },
  };
}

const words = 6;

/**
 * Documents of two classes with the same mean token: words lie at `+-u_i`. A document of class `pairs` has as many of `u_i` as of
 * `-u_i` for even i, one of class `others` for odd i; which tokens occur tells the class, their mean is 0 up to noise.
 */
export function pairTask(
  count: number,
  { dimension = 8, seed = 1, noise = 0.15, dtype = 'float32' as FloatDType } = {},
): { documents: number[][][]; labels: string[]; model: DdclModel } {
  const random = createRandom(seed);
  const directions = createRandom(99);
  const centres = Array.from({ length: words }, () => Array.from({ length: dimension }, () => directions.normal()));
  const labels: string[] = [];
  const documents = Array.from({ length: count }, () => {
    const odd = random.integer(2);
    labels.push(odd === 1 ? 'others' : 'pairs');
    return Array.from({ length: 3 + random.integer(12) }, () => {
      const own = centres[2 * random.integer(words / 2) + odd]!;
      return [1, -1].map((sign) => own.map((x) => sign * x + noise * random.normal()));
    }).flat();
  });
  const prototypes = centres.flatMap((own) => [...own, ...own.map((x) => -x)]);
  const model: DdclModel = {
    count: 2 * words,
    dimension,
    dtype,
    // Not quite at the words, so that there is something to train.
    prototypes: Float64Array.from(prototypes, (x) => Math.fround(0.8 * x + 0.1 * random.normal())),
    temperature: 2,
    criticalTemperature: 8,
    offset: Float64Array.from({ length: dimension }, () => 0.05),
    scale: 1.1,
    totalVariance: dimension,
  };
  return { documents, labels, model };
}
