import {
  quantizerKinds,
  type FitQuantizerOptions,
  type InitializeOptions,
  type QuantizerKind,
  type QuantizerSpec,
} from '@ddcl/vq';
import { usageError } from '../output/usage-error.ts';
import { specOf, type StructureOptions } from './spec-options.ts';

/** What `ddcl vq compare` sets side by side: every kind, `ema` with revival, and k-means alone, which is what faiss calls PQ. */
export type Contestant = QuantizerKind | 'ema-revival' | 'k-means';
export const contestants: readonly Contestant[] = [...quantizerKinds, 'ema-revival', 'k-means'];

export const usualContestants: readonly Contestant[] = ['ddcl', 'k-means', 'ema', 'ema-revival', 'rotation', 'vq'];

/** Codes used by less than this share of 1 / K are moved in `ema-revival`. */
const reviveBelow = 0.1;
/** Moves of the centroids, as faiss makes them. */
const kMeansIterations = 25;

/**
 * A contestant as a spec, and options of its fit.
 *
 * @throws DdclError `argument` for fsq with a number of codes that is no power of two
 */
export function contestantSpec(
  name: Contestant,
  options: StructureOptions & { readonly codes: number; readonly dimension: number },
): { readonly spec: QuantizerSpec; readonly fit: Pick<FitQuantizerOptions, keyof InitializeOptions> } {
  if (name === 'k-means') {
    const spec = specOf({ ...options, quantizer: 'ema' });
    return { spec: { ...spec, frozen: true }, fit: { iterations: kMeansIterations } };
  }
  if (name === 'ema-revival') return { spec: specOf({ ...options, quantizer: 'ema', reviveBelow }), fit: {} };
  if (name !== 'fsq') return { spec: specOf({ ...options, quantizer: name }), fit: {} };
  const { codes, codeDimension: _width, ...rest } = options;
  return { spec: specOf({ ...rest, quantizer: 'fsq', levels: levelsOf(codes) }), fit: {} };
}

/** 8 values for each component as far as they go, the rest 4 or 2 each: 64 is 8 x 8, 1024 is 8 x 8 x 4 x 4. */
function levelsOf(codes: number): number[] {
  const bits = Math.log2(codes);
  if (!Number.isInteger(bits) || bits < 2) {
    throw usageError(
      `fsq is compared with a number of codes that is a power of two >= 4, but got ${codes}. Leave it out of --quantizers, or change --codes.`,
    );
  }
  const left = bits % 3;
  if (left === 0) return Array<number>(bits / 3).fill(8);
  if (left === 2) return [...Array<number>((bits - 2) / 3).fill(8), 4];
  return [...Array<number>((bits - 4) / 3).fill(8), 4, 4];
}
