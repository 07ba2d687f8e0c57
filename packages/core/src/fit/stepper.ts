import type { Backend, DeviceBuffer, Executable } from '../backend/contract.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { uploadBlock } from '../measure/sum-blocks.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';
import { accumulateProgram, stepProgram, updateProgram, type StepSizes } from './step-program.ts';

/** Numbers of one step, in the frame's units. */
export interface StepSettings {
  readonly temperature: number;
  readonly learningRate: number;
  /** Number of the step, from 1. */
  readonly step: number;
}

/**
 * Prototypes and optimiser state on the device, moved by one optimiser step at a time. A step's tokens come
 * as one block, or as several whose gradients add up.
 */
export interface Stepper {
  /** @param blocks the tokens of this step; each is copied before the next is asked for */
  step(blocks: Iterable<DeviceBlock>, settings: StepSettings): Promise<void>;
  /** Copies of the prototypes [K, m] and the state tensors, in the frame. */
  read(): Promise<(Float32Array | Float64Array)[]>;
  /** Replaces prototypes and state; state is zeros where left out. */
  write(prototypes: ArrayLike<number>, state?: readonly ArrayLike<number>[]): void;
  dispose(): void;
}

/**
 * @param parts blocks per step; with 1 the whole step is one program
 * @param uploadFrame of the tokens' feed: what its programs take after all else; freed by `dispose`
 */
export async function createStepper(
  backend: Backend,
  sizes: StepSizes,
  parts: number,
  optimizer: Optimizer,
  uploadFrame: () => readonly DeviceBuffer[] = () => [],
): Promise<Stepper> {
  const { count, dimension, dtype } = sizes;
  const matrix = { dtype, shape: [count, dimension] } as const;
  const zeros = new Float64Array(count * dimension);
  const fused = parts === 1 ? await backend.compile(stepProgram(sizes, optimizer)) : undefined;
  const accumulate = fused === undefined ? await backend.compile(accumulateProgram(sizes)) : undefined;
  const update = fused === undefined ? await backend.compile(updateProgram(sizes, optimizer)) : undefined;
  const frame = uploadFrame();
  let held: DeviceBuffer[] = [];

  const uploadMatrix = (values: ArrayLike<number>): DeviceBuffer => backend.upload(matrix, asDType(values, dtype));
  const upload = (weight: number, { temperature, learningRate, step }: StepSettings): DeviceBuffer =>
    backend.upload(
      { dtype, shape: [4] },
      asDType([temperature, weight > 0 ? 1 / weight : 0, learningRate, step], dtype),
    );
  /** Runs and consumes the buffers at `donate`; the others are freed here too, unless they are kept. */
  const consume = async (
    executable: Executable,
    inputs: DeviceBuffer[],
    kept: readonly DeviceBuffer[] = [],
  ): Promise<DeviceBuffer[]> => {
    const donate = inputs.flatMap((buffer, index) => (kept.includes(buffer) ? [] : [index]));
    return [...(await executable.run(inputs, { donate }))];
  };

  const stepFused = async (block: DeviceBlock, settings: StepSettings): Promise<void> => {
    const { tokens, weights } = uploadBlock(backend, block, dtype);
    const inputs = [tokens, weights, upload(block.weight, settings), ...held, ...frame];
    held = [];
    held = await consume(fused!, inputs, frame);
  };

  const stepAccumulated = async (blocks: Iterable<DeviceBlock>, settings: StepSettings): Promise<void> => {
    let sum = uploadMatrix(zeros);
    let weight = 0;
    for (const block of blocks) {
      const { tokens, weights } = uploadBlock(backend, block, dtype);
      weight += block.weight;
      const inputs = [tokens, weights, upload(1, settings), held[0]!, sum, ...frame];
      [sum] = (await consume(accumulate!, inputs, [held[0]!, ...frame])) as [DeviceBuffer];
    }
    const inputs = [sum, upload(weight, settings), ...held];
    held = [];
    held = await consume(update!, inputs);
  };

  const free = (): void => {
    for (const buffer of held) backend.free(buffer);
    held = [];
  };

  return {
    async step(blocks, settings) {
      if (fused === undefined) return stepAccumulated(blocks, settings);
      for (const block of blocks) await stepFused(block, settings);
    },
    read: () =>
      Promise.all(held.map(async (buffer) => (await backend.download(buffer)) as Float32Array | Float64Array)),
    write(prototypes, state = []) {
      free();
      held = [uploadMatrix(prototypes)];
      for (let slot = 0; slot < optimizer.slots; slot++) held.push(uploadMatrix(state[slot] ?? zeros));
    },
    dispose() {
      free();
      for (const buffer of frame) backend.free(buffer);
      for (const executable of [fused, accumulate, update]) executable?.dispose();
    },
  };
}
