import type { Backend } from '@ddcl/core/backend';
import { fitPrototypes, shareExecutables, type AbortSignalLike } from '@ddcl/core/fit';
import { rowSource } from '../apply/row-pass.ts';
import { books, tensorName } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerState } from '../state/state.ts';
import type { FitRecord } from './record.ts';
import { atPlace, leftOver, ofCodes, slicesOf, type Sample } from './sample.ts';

export interface DdclFitOptions {
  readonly steps?: number | undefined;
  readonly seed: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Called with the share that is done, 0..1. */
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly onWarning?: ((warning: string) => void) | undefined;
  readonly onRecord?: ((record: FitRecord) => void) | undefined;
}

/** From so many codebooks on a fit of each is a short one. */
const manyBooks = 8;

/**
 * Half the steps and no passes at the end: a codebook of 256 codes takes half the time, and its error is 1 % higher, which the bytes of a code beside it
 * outweigh by far (docs/results/product-quantization.md).
 */
const quick = { steps: 200, refinement: { passes: 0 } } as const;

/**
 * Codebooks of a `ddcl` quantizer on fixed vectors: core's `fit` (annealed, then passes of the fixed point) for each slice, level by level on
 * what the levels before leave. T is what that fit ended at.
 */
export async function fitDdcl(
  backend: Backend,
  spec: ResolvedSpec,
  start: QuantizerState,
  sample: Sample,
  options: DdclFitOptions,
): Promise<QuantizerState> {
  // Slices of one width and size run the same programs.
  const shared = shareExecutables(backend);
  try {
    return await fitSlices(shared.backend, spec, start, sample, options);
  } finally {
    shared.dispose();
  }
}

async function fitSlices(
  backend: Backend,
  spec: ResolvedSpec,
  start: QuantizerState,
  sample: Sample,
  { steps, seed, signal, onProgress, onWarning, onRecord }: DdclFitOptions,
): Promise<QuantizerState> {
  let state = start;
  const areMany = books(spec).length >= manyBooks;
  const slices = await slicesOf(backend, spec, state, sample);
  for (const [slice, rows] of slices.entries()) {
    let left = rows;
    for (let level = 0; level < spec.depth; level++) {
      const place = { slice, level };
      const own: Record<string, Float32Array> = {};
      if (level === 0 || !spec.sharedDepth) {
        const { model, statistics } = await atPlace(
          place,
          spec,
          fitPrototypes(backend, rowSource(left.rows, spec.codeDimension, left.weights), {
            prototypes: spec.codes,
            ...(areMany && quick),
            seed: seed + slice * spec.depth + level,
            ...(steps !== undefined && { steps }),
            ...(signal !== undefined && { signal }),
            ...(onWarning !== undefined && { onWarning: (warning: string) => onWarning(ofCodes(warning)) }),
            onRecord: ({ step, loss, used, perplexity }) =>
              onRecord?.({ step, slice, level, error: loss.hard, use: used, perplexity }),
          }),
        );
        const { temperature, criticalTemperature: critical } = model;
        own[tensorName('codes', place)] = Float32Array.from(model.prototypes);
        own[tensorName('temperature', place)] = Float32Array.of(temperature);
        const variance = statistics.totalVariance;
        own[tensorName('averages', place)] = Float32Array.of(critical / 4, 1, critical / 4, variance, variance);
      } else {
        for (const what of ['temperature', 'averages'])
          own[tensorName(what, place)] = state.tensors[tensorName(what, { slice, level: 0 })]!;
      }
      state = { ...state, tensors: { ...state.tensors, ...own } };
      const found = await leftOver(backend, spec, state, place, left);
      if (level === 0 || !spec.sharedDepth)
        state = { ...state, tensors: { ...state.tensors, [tensorName('mass', place)]: found.mass } };
      left = { ...left, rows: found.rows };
      onProgress?.((slice * spec.depth + level + 1) / (slices.length * spec.depth));
    }
  }
  return state;
}
