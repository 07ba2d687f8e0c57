import { cpuBackend } from '@ddcl/backend-cpu';
import { adam } from '@ddcl/core';
import { extractTokens, type FeatureExtractor } from '../../src/pipeline/extract-tokens.ts';
import { readoutPipeline } from '../../src/pipeline/readout-pipeline.ts';
import { Readout } from '../../src/readout/readout.ts';

/** Of very different lengths, so that there is padding; the last one is longer than the encoder takes. */
export const texts: readonly string[] = [
  'the film',
  'The good, unlightable film of the river and the stones!',
  '',
  'a bad film',
  'music and light and music and light of the good river',
  'café',
  'stone '.repeat(100),
];

/** The places of prototypes, fitted without labels to the encoder's tokens of all texts. */
export async function fitReadout(extractor: FeatureExtractor): Promise<Readout> {
  const open = (): ReturnType<typeof extractTokens> => extractTokens(extractor, texts, { batch: 4 });
  // By Adam, which ends near means of tokens and not on them: a residual of 0 has no direction that two ways could agree on.
  return Readout.fit(open, { backend: cpuBackend(), prototypes: 4, steps: 40, batch: 64, optimizer: adam() });
}

/** Numbers of all outputs per sequence, text after text. */
export type Features = Record<'pooled' | 'occupancy' | 'summaries' | 'residuals', number[]>;

export async function features(
  extractor: FeatureExtractor,
  readout: Readout,
  list: string | readonly string[],
  batch?: number,
): Promise<Features> {
  const embed = readoutPipeline(extractor, readout, batch === undefined ? {} : { batch });
  const outputs = ['pooled', 'occupancy', 'summaries', 'residuals'] as const;
  const encoded = await embed(list, { outputs, normalize: true });
  return Object.fromEntries(outputs.map((output) => [output, [...encoded[output]!.data]])) as Features;
}

/** The largest difference over all outputs. */
export function difference(a: Features, b: Features): number {
  let worst = 0;
  for (const output of Object.keys(a) as (keyof Features)[]) {
    if (a[output].length !== b[output].length) return Infinity;
    for (const [index, value] of a[output].entries()) {
      const distance = Math.abs(value - b[output][index]!);
      if (!(distance <= worst)) worst = Number.isNaN(distance) ? Infinity : distance;
    }
  }
  return worst;
}
