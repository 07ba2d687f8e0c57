import { createRandom, DdclError } from '@ddcl/core';
import type { AbortSignalLike } from '@ddcl/core/fit';
import { requireArgument, requireNumber, requireObject, requireOptions, requireWhole } from '../checks/require.ts';
import { quantizerControls, type QuantizerSchedule } from '../part/controls.ts';
import { resolveSpec, type ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerSpec } from '../spec/spec.ts';
import type { AutoencoderQuality } from './evaluate.ts';
import type { Images } from './images.ts';

export interface AutoencoderOptions {
  /** Its `dimension` is the length of a patch's latent vector; for `ddcl` its `norm` is `scale` unless it says otherwise. */
  readonly quantizer: QuantizerSpec;
  /** Side of a patch in pixels: one vector of codes each. Default 4. */
  readonly patch?: number;
  /** Patches, across and down, that the networks see together. Default 1; 2 is where a codebook earns most. */
  readonly context?: number;
  /** Width of the hidden layers. Default 128; 256 with context. */
  readonly hidden?: number;
  /** Default 20. */
  readonly epochs?: number;
  /** Default 150. */
  readonly stepsPerEpoch?: number;
  /** Patches of a step. Default 1024. */
  readonly batch?: number;
  /** Adam's rate for the networks; it falls along a cosine. Default 1e-3. */
  readonly learningRate?: number;
  /** Adam's rate for codes that gradients move. Default 0.03. */
  readonly codeRate?: number;
  /** Default `warmUp` 1 / 30 for `ddcl`, 0 for others. */
  readonly schedule?: QuantizerSchedule;
  /** Where codes start, after the warm-up. Default `k-means`. */
  readonly start?: 'k-means' | 'tokens' | 'pulled';
  /** `ddcl`: move codes that are worth more elsewhere once, at this share of the run. Default never. */
  readonly relocateAt?: number;
  /** Images for the history. Default: the training images' first 500. */
  readonly holdOut?: Images;
  /** A whole number >= 0. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignalLike;
  readonly onEpoch?: (record: AutoencoderEpoch) => void;
  /** Called after each step with the share that is done, 0..1. */
  readonly onProgress?: (done: number) => void;
}

/** An epoch, on the images held out. */
export interface AutoencoderEpoch extends AutoencoderQuality {
  /** From 1. */
  readonly epoch: number;
  /** Mean squared error of pixels in 0..1 of the last step's batch, as training decodes it. */
  readonly train: number;
  /** T / T_c of `ddcl`. */
  readonly temperatureShare?: number;
}

type Listening = 'signal' | 'onEpoch' | 'onProgress' | 'relocateAt';

export type ResolvedAutoencoderOptions = Required<Omit<AutoencoderOptions, 'holdOut' | Listening>> & {
  readonly [Name in Listening]: AutoencoderOptions[Name] | undefined;
} & { readonly spec: ResolvedSpec };

/** @throws DdclError `argument` for numbers out of range */
export function resolveAutoencoderOptions(options: AutoencoderOptions): ResolvedAutoencoderOptions {
  requireOptions(options);
  requireObject('The quantizer', options.quantizer, 'a spec such as { kind, dimension, codes }');
  // Running averages lag behind latents that a norm moves: on CIFAR-10 they do better without one (docs/results/codebooks.md).
  const norm = options.quantizer.kind === 'ddcl' ? 'scale' : 'none';
  const quantizer: QuantizerSpec = { norm, ...options.quantizer };
  const spec = resolveSpec(quantizer);
  const { patch = 4, context = 1, epochs = 20, stepsPerEpoch = 150, batch = 1024, seed = 0 } = options;
  const { hidden = context > 1 ? 256 : 128, learningRate = 1e-3, codeRate = 0.03, relocateAt } = options;
  for (const [name, value] of Object.entries({ patch, context, hidden, epochs, stepsPerEpoch, batch }))
    requireWhole(name, value, 1);
  for (const [name, value] of Object.entries({ learningRate, codeRate }))
    requireNumber(name, value, (rate) => rate > 0, 'a number > 0');
  requireWhole('seed', seed, 0);
  const { start = 'k-means' } = options;
  requireArgument('start', start, ['k-means', 'tokens', 'pulled'].includes(start), 'k-means, tokens or pulled');
  if (options.schedule !== undefined) quantizerControls(spec, options.schedule, 0, createRandom(seed));
  if (batch % (context * context) !== 0)
    throw new DdclError('argument', `A batch of ${batch} patches is not whole blocks of ${context} x ${context}.`);
  if (relocateAt !== undefined && (spec.kind !== 'ddcl' || !(relocateAt > 0 && relocateAt < 1)))
    throw new DdclError(
      'argument',
      `relocateAt is a share of the run between 0 and 1, for ddcl, but is ${relocateAt} for ${spec.kind}.`,
    );
  const schedule = { warmUp: spec.kind === 'ddcl' ? 1 / 30 : 0, ...options.schedule };
  return {
    quantizer,
    spec,
    patch,
    context,
    hidden,
    epochs,
    stepsPerEpoch,
    batch,
    learningRate,
    codeRate,
    schedule,
    start,
    relocateAt,
    seed,
    signal: options.signal,
    onEpoch: options.onEpoch,
    onProgress: options.onProgress,
  };
}
