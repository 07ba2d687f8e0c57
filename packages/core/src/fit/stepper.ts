import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { lossAndGradient } from '../ddcl/loss.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { FloatDType } from '../program/dtype.ts';
import { sum } from '../program/ops/reduce.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import { frameParameters, framedTokens, type TokenDType } from '../tokens/token-feed.ts';
import type { Batch } from '../train/options.ts';
import { createTrainer } from '../train/trainer.ts';
import type { StepBlock } from './step-tokens.ts';

/** Sizes of a training step. */
export interface StepSizes {
  /** Tokens in a block. */
  readonly rows: number;
  /** Number of prototypes K. */
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** In which the tokens come. Default: `dtype`, in the frame. */
  readonly tokenDtype?: TokenDType;
}

/** Numbers of one step, in the frame's units. */
export interface StepSettings {
  readonly temperature: number;
  readonly learningRate: number;
}

/**
 * Prototypes and optimiser state on the device, moved by one optimiser step at a time. A step's tokens come
 * as one block, or as several whose gradients add up.
 */
export interface Stepper {
  /** Steps made so far. */
  readonly steps: number;
  /** @param blocks the tokens of this step; each is copied, or lies on the device, before the next is asked for */
  step(blocks: Iterable<StepBlock> | AsyncIterable<StepBlock>, settings: StepSettings): Promise<void>;
  /** L_q per unit of weight before the last step, in the frame. @throws DdclError `data` after a step that was not finite */
  lq(): Promise<number>;
  /** The prototypes [K, m] in the frame, where they are; until the next step. @throws DdclError `data` after a step that was not finite */
  prototypes(): Promise<DeviceBuffer>;
  /** Copies of the prototypes [K, m] and the state tensors, in the frame. @throws DdclError `data` after a step that was not finite */
  read(): Promise<(Float32Array | Float64Array)[]>;
  /** Replaces prototypes and state, and goes on after a number of steps; state is zeros where left out. */
  write(prototypes: ArrayLike<number>, steps: number, state?: readonly ArrayLike<number>[]): Promise<void>;
  dispose(): void;
}

/**
 * @param uploadFrame of the tokens' feed: what its programs take after all else; freed by `dispose`
 */
export async function createStepper(
  backend: Backend,
  { rows, count, dimension, dtype, tokenDtype = dtype }: StepSizes,
  optimizer: Optimizer,
  uploadFrame: () => readonly DeviceBuffer[] = () => [],
): Promise<Stepper> {
  const frameTypes = Object.entries(frameParameters(tokenDtype, dimension)).map(
    ([index, type]) => [`frame.${index}`, type] as const,
  );
  const inputs: Record<string, TensorType> = {
    tokens: tensorType(tokenDtype, [rows, dimension]),
    weights: tensorType(dtype, [rows]),
    ...Object.fromEntries(frameTypes),
  };
  const trainer = await createTrainer(backend, {
    parameters: { prototypes: { shape: [count, dimension], data: new Float64Array(count * dimension) } },
    inputs,
    controls: ['temperature', 'learningRate'],
    groups: [{ match: 'prototypes', optimizer, learningRate: 'learningRate' }],
    dtype,
    loss({ prototypes }, batch, { temperature }) {
      const weights = batch['weights']!;
      const place = frameTypes.map(([name]) => batch[name]!);
      const tokens = framedTokens(batch['tokens']!, place);
      // Two matrix products in all, where differentiation of L_q takes three.
      const { lq, gradient, mass } = lossAndGradient({ tokens, weights, prototypes, temperature });
      return {
        loss: lq,
        weight: sum(weights),
        gradients: { prototypes: gradient },
        ...(optimizer.needsMass === true && { masses: { prototypes: mass } }),
      };
    },
  });
  const frame = uploadFrame();
  const place = Object.fromEntries(frameTypes.map(([name], index) => [name, frame[index]!]));
  const batchOf = (block: StepBlock): Batch<typeof inputs> =>
    'resident' in block ? { ...block.resident, ...place } : { tokens: block.data, weights: block.weights, ...place };
  async function* batches(
    blocks: Iterable<StepBlock> | AsyncIterable<StepBlock>,
  ): AsyncGenerator<Batch<typeof inputs>> {
    for await (const block of blocks) yield batchOf(block);
  }
  return {
    get steps() {
      return trainer.steps;
    },
    async step(blocks, { temperature, learningRate }) {
      const controls = { temperature, learningRate };
      // A step of one block is one program.
      if (Array.isArray(blocks) && blocks.length === 1) return trainer.step(batchOf(blocks[0] as StepBlock), controls);
      return trainer.step(batches(blocks), controls);
    },
    lq: async () => (await trainer.report()).loss,
    prototypes: async () => (await trainer.buffers()).prototypes,
    async read() {
      await trainer.check();
      const { parameters, optimizer: slots } = await trainer.state();
      return [parameters['prototypes']!, ...slots['prototypes']!];
    },
    write: (prototypes, steps, state = []) =>
      trainer.setState({ step: steps, parameters: { prototypes }, optimizer: { prototypes: state }, statistics: [] }),
    dispose() {
      trainer.dispose();
      for (const buffer of frame) backend.free(buffer);
    },
  };
}
