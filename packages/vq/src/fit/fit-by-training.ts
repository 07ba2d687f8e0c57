import { adam, add, createRandom, DdclError, div, f32, mul, sub, sum, type Random, type Tensor } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { cosineSchedule, createTrainer } from '@ddcl/core/train';
import { quantizerControls, type QuantizerSchedule } from '../part/controls.ts';
import { quantizerPart } from '../part/quantizer-part.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerState } from '../state/state.ts';
import type { AbortSignalLike } from '@ddcl/core/fit';
import type { Sample } from './sample.ts';
import { createUpdater } from './update.ts';

export interface TrainingFitOptions {
  readonly steps: number;
  readonly batch: number;
  readonly codeRate: number;
  readonly learningRate: number;
  readonly schedule: QuantizerSchedule;
  readonly seed: number;
  readonly signal?: AbortSignalLike | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Called with the state after about every twentieth of the steps, and after the last. */
  readonly onState?: ((state: QuantizerState, step: number) => Promise<void>) | undefined;
}

/** Whether a state is shown after so many steps. */
const isShown = (step: number, steps: number): boolean =>
  step === steps || step % Math.max(1, Math.ceil(steps / 20)) === 0;

/** Batches of a sample, in another order each time that it is through. */
function* batchesOf({ rows, weights, count }: Sample, width: number, size: number, random: Random) {
  const own = Math.min(size, count);
  for (let epoch = 0; ; epoch++) {
    const order = random.fork(epoch).permutation(count);
    for (let first = 0; first + own <= count; first += own) {
      const [batch, a] = [new Float32Array(own * width), new Float32Array(own)];
      for (let row = 0; row < own; row++) {
        const from = order[first + row]!;
        batch.set(rows.subarray(from * width, (from + 1) * width), row * width);
        a[row] = weights[from]!;
      }
      yield { rows: batch, weights: a };
    }
  }
}

/** Running averages alone: for codes that nothing else moves. */
export async function fitByAverages(
  backend: Backend,
  spec: ResolvedSpec,
  start: QuantizerState,
  sample: Sample,
  { steps, batch, schedule, seed, signal, onProgress, onState }: TrainingFitOptions,
): Promise<QuantizerState> {
  const random = createRandom(seed);
  const size = Math.min(batch, sample.count);
  const updater = await createUpdater(backend, start, size);
  try {
    let state = start;
    const batches = batchesOf(sample, spec.dimension, size, random.fork('order'));
    for (let step = 0; step < steps; step++) {
      throwIfAborted(signal);
      const own = random.fork(step);
      const controls = quantizerControls(spec, schedule, step / Math.max(1, steps - 1), own);
      state = await updater.update(state, batches.next().value!, controls, own);
      if (isShown(step + 1, steps)) await onState?.(state, step + 1);
      onProgress?.((step + 1) / steps);
    }
    return state;
  } finally {
    updater.dispose();
  }
}

/** Codes and projections by gradients of `|z - y|^2 / variance` and the quantizer's own losses. */
export async function fitByTraining(
  backend: Backend,
  spec: ResolvedSpec,
  start: QuantizerState,
  sample: Sample,
  variance: number,
  { steps, batch, codeRate, learningRate, schedule, seed, signal, onProgress, onState }: TrainingFitOptions,
): Promise<QuantizerState> {
  const part = quantizerPart(start);
  const random = createRandom(seed);
  const { dimension } = spec;
  const size = Math.min(batch, sample.count);
  // In the vectors' units, which a norm makes 1.
  const unit = spec.norm === 'scale' ? 1 : Math.sqrt(variance / dimension);
  const groups = [
    {
      match: part.trained.codes,
      optimizer: adam(),
      learningRate: cosineSchedule(codeRate * unit, codeRate * unit * 0.01),
    },
    { match: part.trained.others, optimizer: adam(), learningRate: cosineSchedule(learningRate, learningRate * 0.01) },
  ].filter(({ match }) => match.length > 0);
  const trainer = await createTrainer(backend, {
    parameters: part.parameters,
    inputs: { z: f32(size, dimension), weights: f32(size), ...part.inputs(size) },
    controls: part.controls,
    groups,
    totalSteps: steps,
    reports: false,
    loss: (parameters, inputs, controls) => {
      const { z, weights } = inputs as { readonly z: Tensor; readonly weights: Tensor };
      const built = part.build({ z, weights, parameters, inputs, controls });
      // With a norm outputs are in its units, where the projection out learns to go back.
      const error = sub(z, built.output);
      const squares = sum(mul(weights, sum(mul(error, error), [1])));
      const reconstruction = div(squares, mul(sum(weights), variance));
      return { loss: add(reconstruction, built.loss), next: built.next, replaced: built.replaced };
    },
  });
  try {
    const batches = batchesOf(sample, dimension, size, random.fork('order'));
    for (let step = 0; step < steps; step++) {
      throwIfAborted(signal);
      const own = random.fork(step);
      const { rows: z, weights } = batches.next().value!;
      const controls = part.drawControls(schedule, step / Math.max(1, steps - 1), own);
      await trainer.step({ z, weights, ...part.drawInputs(size, own, weights) }, controls);
      if (onState !== undefined && isShown(step + 1, steps))
        await onState(part.toState(await trainer.read()), step + 1);
      onProgress?.((step + 1) / steps);
    }
    await trainer.check();
    return part.toState(await trainer.read());
  } finally {
    trainer.dispose();
  }
}

function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw new DdclError('aborted', 'The fit was aborted by its signal.');
}
