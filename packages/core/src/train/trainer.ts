import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { resolveDefinition, startOf, type AnyTrainerOptions } from './definition.ts';
import type { Batch, Controls, Inputs, LossResult, Parameters, TrainerOptions } from './options.ts';
import type { TrainerState } from './state.ts';
import type { Timescale } from './timescale.ts';
import { TrainerCore } from './trainer-core.ts';
import type { trackedReports } from './track-temperature.ts';

/** Scalars of a step, per unit of weight where the loss gives one. */
export type Report<R extends LossResult> = {
  readonly [Name in Exclude<keyof R, 'gradients' | 'masses' | 'next' | 'replaced'>]: number;
} & {
  /** Length of the gradient over all trained parameters, before it is clipped. */
  readonly gradientNorm: number;
  /**
   * With `trackTemperature`: how far the fastest group moved in the step beside the prototypes, each relative to its own length. Small is right:
   * docs/math.md section 4. Infinity where the prototypes stood still.
   */
  readonly epsilon?: number;
} & { readonly [Name in (typeof trackedReports)[number]]?: number };

/** Trains parameters on a backend, whatever the loss. Calls are served in order, also if they are not awaited. */
export interface Trainer<P extends Parameters, I extends Inputs, C extends string, R extends LossResult> {
  /** Steps made so far. */
  readonly steps: number;
  /**
   * One step of the optimisers, on a batch or on several whose sums add up. Nothing is read back, but for a look at the flag of non-finite losses every 64 steps.
   *
   * @throws DdclError `data` when a loss was not finite, naming the step; `argument` or `shape` for a batch or controls that do not fit;
   *   whatever the backend throws
   */
  step(batches: Batch<I> | Iterable<Batch<I>> | AsyncIterable<Batch<I>>, ...controls: StepArguments<C>): Promise<void>;
  /** Scalars of the last step: one read. @throws DdclError `data` when a loss was not finite; `argument` before the first step or with `reports: false` */
  report(): Promise<Report<R>>;
  /** The loss's scalars of batches as the parameters are; nothing moves. */
  evaluate(
    batches: Batch<I> | Iterable<Batch<I>> | AsyncIterable<Batch<I>>,
    ...controls: StepArguments<C>
  ): Promise<{ readonly [Name in Exclude<keyof R, 'gradients' | 'masses' | 'next' | 'replaced'>]: number }>;
  /**
   * The two timescales (docs/math.md section 4) at the parameters as they are, on the tracked tokens of a batch: how fast the encoder moves beside the
   * prototypes, the Hessian of the mean L_q with respect to them, and the largest rate at which they are stable. A broken condition is told to
   * `onWarning` too. Takes a few dozen Hessian products.
   *
   * @throws DdclError `argument` without `trackTemperature`, or where an optimiser with state has made no step yet
   */
  timescale(batch: Batch<I>, ...controls: StepArguments<C>): Promise<Timescale>;
  /** Copies of all parameters: those before the step that failed, if one did. */
  read(): Promise<{ readonly [Name in keyof P]: Float32Array | Float64Array }>;
  /**
   * All parameters where they are, for programs that look at them without a trip through the host. The buffers stay the trainer's and
   * live until its next step.
   *
   * @throws DdclError `data` when a loss was not finite, naming the step
   */
  buffers(): Promise<{ readonly [Name in keyof P]: DeviceBuffer }>;
  /** @throws DdclError `data` when a loss was not finite, naming the step */
  check(): Promise<void>;
  /** All that is carried from step to step. */
  state(): Promise<TrainerState<Float32Array | Float64Array>>;
  /** Goes on from there. Parts of the optimiser's state and statistics that are left out start afresh. */
  setState(state: TrainerState): Promise<void>;
  /** {@link state} as a safetensors file. */
  toBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Goes on from bytes of {@link toBytes}: bit for bit, on a deterministic backend.
   * @throws DdclError `format` for other bytes; `data` for those of a trainer with other parameters, optimisers or groups
   */
  restore(bytes: Uint8Array | ArrayBuffer): Promise<void>;
  /** Frees what it holds. Idempotent. */
  dispose(): void;
}

/** The controls of a step, which may be left out where the trainer has none. */
export type StepArguments<C extends string> = [C] extends [never] ? [controls?: Controls<C>] : [controls: Controls<C>];

/**
 * A trainer of any loss: parameters, optimiser state and statistics stay on the device, and a step of one batch is one program.
 *
 * @throws DdclError `argument` or `shape`, naming the parameter, group or option that does not fit
 */
export async function createTrainer<
  const P extends Parameters,
  const I extends Inputs,
  R extends LossResult,
  const C extends string = never,
>(backend: Backend, options: TrainerOptions<P, I, C, R>): Promise<Trainer<P, I, C, R>> {
  const definition = resolveDefinition(options as unknown as AnyTrainerOptions);
  const core = new TrainerCore(backend, definition, options.onWarning);
  await core.setState(startOf(definition));
  return core as unknown as Trainer<P, I, C, R>;
}
