import type { Backend } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { fromFrame, toFrame } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import type { DdclModel } from '../model/model.ts';
import { requirePlainModel } from '../model/preprocessing.ts';
import { adam } from '../optimise/adam.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import { mostStepRows } from '../tokens/block-size.ts';
import { deviceBlocks } from '../tokens/device-blocks.ts';
import type { TokenBlock } from '../tokens/token-source.ts';
import { planSteps } from './schedule.ts';
import { createStepper } from './stepper.ts';

export interface OnlineFitOptions {
  /** Tokens per step, at most; fewer where the backend's largest buffer asks for it. Default 4096. */
  readonly batch?: number;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer;
}

/** A fitted model that goes on learning from tokens as they come, at its temperature and in its frame. */
export interface OnlineFit {
  /** Steps made so far. */
  readonly steps: number;
  /**
   * One optimiser step per batch of tokens, on `L_q` per unit of weight.
   *
   * @param learningRate for Adam in units of the frame's scale, the tokens' root-mean-square deviation per component
   * @throws DdclError `data` for tokens that are not finite, `shape` for another dimension, `argument` unless the rate is > 0
   */
  add(blocks: AsyncIterable<TokenBlock>, learningRate: number): Promise<void>;
  /** The model as it is now. */
  model(): Promise<DdclModel>;
  dispose(): void;
}

/**
 * @param model where it starts; not changed
 * @throws DdclError `unsupported` for a model with preprocessing
 */
export async function createOnlineFit(
  backend: Backend,
  model: DdclModel,
  { batch = 4096, optimizer = adam() }: OnlineFitOptions = {},
): Promise<OnlineFit> {
  requirePlainModel(model);
  const { count, dimension, dtype, scale, offset, temperature } = model;
  const frame = { offset, scale };
  const width = Math.max(dimension, count);
  const { rows } = planSteps(batch, { prototypes: count, dimension, batch }, mostStepRows(width, backend.capabilities));
  const stepper = await createStepper(backend, { rows, count, dimension, dtype }, optimizer);
  await stepper.write(toFrame(model.prototypes, frame), 0);
  return {
    get steps() {
      return stepper.steps;
    },
    async add(blocks, learningRate) {
      if (!(learningRate > 0 && learningRate < Infinity)) {
        throw new DdclError('argument', `learningRate must be a number > 0, but is ${learningRate}.`);
      }
      for await (const block of deviceBlocks(blocks, { size: rows, dimension, dtype, frame })) {
        if (block.weight === 0) continue;
        await stepper.step([block], { temperature: temperature / scale ** 2, learningRate });
      }
    },
    async model() {
      const [framed] = await stepper.read();
      return { ...model, prototypes: Float64Array.from(asDType(fromFrame(framed!, frame), dtype)) };
    },
    dispose: () => stepper.dispose(),
  };
}
