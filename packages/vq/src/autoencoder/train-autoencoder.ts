import { adam, add, createRandom, DdclError, f32, mean, square, sub, type Random, type Tensor } from '@ddcl/core';
import { abortableBackend, type Backend } from '@ddcl/core/backend';
import { relocate } from '@ddcl/core/fit';
import { createTrainer, type Schedule } from '@ddcl/core/train';
import { requireBackend } from '../checks/require.ts';
import { rowSource } from '../apply/row-pass.ts';
import { initialize } from '../fit/initialize.ts';
import { sampleOf, slicesOf } from '../fit/sample.ts';
import { quantizerPart, type QuantizerPart } from '../part/quantizer-part.ts';
import { books, tensorName } from '../spec/layout.ts';
import { createState, type QuantizerState } from '../state/state.ts';
import type { Autoencoder } from './autoencoder.ts';
import { openBlockPass } from './block-pass.ts';
import { createEvaluator } from './evaluate.ts';
import {
  blockReader,
  blockWidth,
  patchesPerBlock,
  pixelScale,
  type BlockReader,
  type Images,
  requireImages,
} from './images.ts';
import { decodeBlocks, encodeBlocks, networkParameters, networkShapes, type NetworkSizes } from './network.ts';
import {
  resolveAutoencoderOptions,
  type AutoencoderEpoch,
  type AutoencoderOptions,
  type ResolvedAutoencoderOptions,
} from './options.ts';

export interface TrainedAutoencoder {
  readonly model: Autoencoder;
  readonly history: readonly AutoencoderEpoch[];
}

/** Steps over which the rate rises. */
const rampSteps = 20;

/** Batches of latents that codes start from, and that relocation looks at. */
const startBatches = 32;

/**
 * Trains an autoencoder for images with codes in the middle: patches (or blocks of neighbouring patches) to latents, a scalar norm, the quantizer, and back.
 * Loss: mean squared error of pixels per variance of pixels, plus the quantizer's own. A warm-up without quantizer, then codes start on latents.
 *
 * @throws DdclError `argument`, `shape` or `data` for options or images that do not fit, or a loss that is not finite; `aborted`; whatever the backend throws
 */
export async function trainAutoencoder(
  backend: Backend,
  images: Images,
  options: AutoencoderOptions,
): Promise<TrainedAutoencoder> {
  requireBackend(backend);
  requireImages(images);
  const resolved = resolveAutoencoderOptions(options);
  const { spec, epochs, stepsPerEpoch, batch, seed, schedule, signal } = resolved;
  backend = abortableBackend(backend, signal);
  const channels = images.shape[3];
  const { patch, context, hidden } = resolved;
  const sizes: NetworkSizes = { patch, context, channels, hidden, dimension: spec.dimension };
  const pixels = pixelScale(images);
  const reader = blockReader(images, sizes, pixels);
  const random = createRandom(seed);
  const part = quantizerPart(createState(resolved.quantizer, { seed }));
  const rows = batch / patchesPerBlock(sizes);
  const trainer = await autoencoderTrainer(backend, sizes, part, rows, resolved);
  const modelNow = async (): Promise<Autoencoder> => modelOf(await trainer.read(), part, sizes, pixels);
  const replaceCodes = async (state: QuantizerState): Promise<void> => {
    const before = await trainer.state();
    const own = Object.entries(state.tensors).map(([name, values]) => [part.prefix + name, values] as const);
    await trainer.setState({ ...before, parameters: { ...before.parameters, ...Object.fromEntries(own) } });
  };
  const total = epochs * stepsPerEpoch;
  const startStep = Math.ceil((schedule.warmUp ?? 0) * (total - 1));
  const relocateStep = resolved.relocateAt === undefined ? -1 : Math.round(resolved.relocateAt * total);
  const history: AutoencoderEpoch[] = [];
  const evaluator = await createEvaluator(backend, await modelNow(), options.holdOut ?? firstImages(images, 500));
  try {
    for (let step = 0; step < total; step++) {
      if (signal?.aborted === true) throw new DdclError('aborted', 'Training was aborted by its signal.');
      const own = random.fork(step);
      if (step === startStep) await replaceCodes(await startCodes(backend, await modelNow(), reader, resolved, own));
      if (step === relocateStep) await replaceCodes(await relocated(backend, await modelNow(), reader, resolved, own));
      const x = drawBlocks(reader, rows, blockWidth(sizes), own);
      const controls = part.drawControls(schedule, total === 1 ? 1 : step / (total - 1), own);
      await trainer.step({ x, ...part.drawInputs(batch, own) }, controls);
      resolved.onProgress?.((step + 1) / total);
      if ((step + 1) % stepsPerEpoch !== 0) continue;
      const report = await trainer.report();
      const quality = await evaluator.evaluate(await modelNow());
      const record: AutoencoderEpoch = {
        epoch: (step + 1) / stepsPerEpoch,
        train: report.reconstruction * pixels.deviation ** 2,
        ...quality,
        ...(spec.kind === 'ddcl' && { temperatureShare: controls[`${part.prefix}share`]! }),
      };
      history.push(record);
      resolved.onEpoch?.(record);
    }
    await trainer.check();
    return { model: await modelNow(), history };
  } finally {
    evaluator.dispose();
    trainer.dispose();
  }
}

function autoencoderTrainer(
  backend: Backend,
  sizes: NetworkSizes,
  part: QuantizerPart,
  rows: number,
  { learningRate, codeRate, epochs, stepsPerEpoch, seed }: ResolvedAutoencoderOptions,
) {
  const totalSteps = epochs * stepsPerEpoch;
  const falling =
    (rate: number): Schedule =>
    (progress) => {
      const ramp = (progress * (totalSteps - 1) + 1) / (rampSteps + 1);
      return rate * Math.max(0.01, Math.min(1, ramp, 0.5 * (1 + Math.cos(Math.PI * progress))));
    };
  const codes = part.trained.codes;
  return createTrainer(backend, {
    parameters: { ...networkParameters(sizes), ...part.parameters },
    inputs: { x: f32(rows, blockWidth(sizes)), ...part.inputs(rows * patchesPerBlock(sizes)) },
    controls: part.controls,
    groups: [
      ...(codes.length > 0 ? [{ match: codes, optimizer: adam(), learningRate: falling(codeRate) }] : []),
      { match: '*', optimizer: adam(), learningRate: falling(learningRate) },
    ],
    totalSteps,
    seed,
    loss: (parameters, inputs, controls) => {
      const x = inputs['x'] as Tensor;
      const z = encodeBlocks(sizes, parameters, x);
      const { output, loss, next, replaced } = part.build({ z, parameters, inputs, controls });
      const reconstruction = mean(square(sub(decodeBlocks(sizes, parameters, output), x)));
      return { loss: add(reconstruction, loss), reconstruction, next, replaced };
    },
  });
}

function modelOf(
  parameters: Readonly<Record<string, ArrayLike<number>>>,
  part: QuantizerPart,
  sizes: NetworkSizes,
  pixels: Autoencoder['pixels'],
): Autoencoder {
  const weights = Object.keys(networkShapes(sizes)).map(
    (name) => [name, Float32Array.from(parameters[name]!)] as const,
  );
  return { sizes, pixels, weights: Object.fromEntries(weights), quantizer: part.toState(parameters) };
}

/** Random blocks of all images. */
function drawBlocks(reader: BlockReader, rows: number, width: number, random: Random): Float32Array {
  const numbers = Int32Array.from({ length: rows }, () => random.integer(reader.blocks));
  const made = new Float32Array(rows * width);
  reader.read(numbers, made);
  return made;
}

function firstImages({ data, shape }: Images, most: number): Images {
  const [count, ...rest] = shape;
  const own = Math.min(count, most);
  return { data: data.subarray(0, (data.length / count) * own), shape: [own, ...rest] };
}

/** Latents of some blocks, [patches, m]. */
async function latentsOf(
  backend: Backend,
  model: Autoencoder,
  reader: BlockReader,
  { batch }: ResolvedAutoencoderOptions,
  random: Random,
): Promise<Float32Array> {
  const { sizes } = model;
  const [patches, width] = [patchesPerBlock(sizes), blockWidth(sizes)];
  const rows = Math.max(1, Math.round((batch * startBatches) / patches));
  const source = rowSource(drawBlocks(reader, rows, width, random), width);
  const pass = await openBlockPass(backend, model, source, (x, _a, networks) => ({
    perToken: [encodeBlocks(sizes, networks, x)],
  }));
  try {
    const latents = new Float32Array(rows * patches * sizes.dimension);
    for await (const { first, perToken } of pass.blocks(model))
      latents.set(perToken[0] as Float32Array, first * patches * sizes.dimension);
    return latents;
  } finally {
    pass.dispose();
  }
}

async function startCodes(
  backend: Backend,
  model: Autoencoder,
  reader: BlockReader,
  options: ResolvedAutoencoderOptions,
  random: Random,
): Promise<QuantizerState> {
  const latents = await latentsOf(backend, model, reader, options, random.fork('blocks'));
  return initialize(backend, model.quantizer, rowSource(latents, options.spec.dimension), {
    start: options.start,
    seed: options.seed,
    sample: latents.length,
  });
}

/** Codes that are worth less where they are than elsewhere go there; see `relocate` of core. First levels only. */
async function relocated(
  backend: Backend,
  model: Autoencoder,
  reader: BlockReader,
  options: ResolvedAutoencoderOptions,
  random: Random,
): Promise<QuantizerState> {
  const { spec } = options;
  const latents = await latentsOf(backend, model, reader, options, random.fork('blocks'));
  const sample = await sampleOf(rowSource(latents, spec.dimension), latents.length, random.fork('sample'));
  const slices = await slicesOf(backend, spec, model.quantizer, sample);
  const tensors = { ...model.quantizer.tensors };
  for (const book of books(spec).filter(({ level }) => level === 0)) {
    const name = tensorName('codes', book);
    const codes = Float64Array.from(tensors[name]!);
    const { rows, weights } = slices[book.slice]!;
    await relocate(backend, { rows, weights: Float64Array.from(weights), dimension: spec.codeDimension }, codes, 1);
    tensors[name] = Float32Array.from(codes);
  }
  return { ...model.quantizer, tensors };
}
