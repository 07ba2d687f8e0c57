import type { DeviceBuffer } from '../backend/contract.ts';
import type { Optimizer } from '../optimise/optimizer.ts';
import type { Schedule } from '../optimise/schedule.ts';
import type { FloatDType, TypedArray } from '../program/dtype.ts';
import type { TensorType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import type { Random } from '../random/random.ts';
import type { TemperatureTracking } from './track-temperature.ts';

/** Draws where a parameter starts: as many numbers as the shape has elements. */
export type Initializer = (shape: readonly number[], random: Random) => ArrayLike<number>;

/** A tensor that a loss is computed with: trained, unless it is frozen or carried. It starts at `data`, or where `initialize` puts it. */
export interface ParameterDefinition {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data?: ArrayLike<number>;
  readonly initialize?: Initializer;
  /** Stays as it is: no gradient, no group. Default false. */
  readonly frozen?: boolean;
  /** Becomes what the loss returns for it in `next`, such as a running average: no gradient, no group. Default false. */
  readonly carried?: boolean;
}

/** Rows of a trained parameter [K, ...] that are put elsewhere after the optimiser's step; its state starts afresh there. */
export interface Replaced {
  /** int32 [K]: 1 for the rows to replace. */
  readonly rows: Tensor;
  /** Of the parameter's type; rows that are not replaced may hold anything finite. */
  readonly values: Tensor;
}

/** A number per step: fixed, a schedule over the run (which needs `totalSteps`), or the name of a control that comes with each step. */
export type Setting<Control extends string> = number | Schedule | Control;

/** Parameters with one update rule and one rate, such as the prototypes (fast) or an encoder (slow): docs/math.md section 4. */
export interface GroupDefinition<Control extends string> {
  /** Names of parameters: `*` stands for any text. A parameter belongs to the first group that matches it. */
  readonly match: string | readonly string[];
  readonly optimizer: Optimizer;
  /** > 0, or 0 to stand still. */
  readonly learningRate: Setting<Control>;
  /** Decoupled: this share of a parameter is taken off per unit of learning rate. Default: the optimiser's (0.01 for `adamW()`, else 0). */
  readonly weightDecay?: Setting<Control>;
  /** Parameters of the group that do not decay, such as `*.bias`. */
  readonly noWeightDecay?: string | readonly string[];
}

/**
 * What a loss returns: scalars by name, of which `loss` is minimised and the others are reports. Names of the trainer's own reports
 * (`gradientNorm`, `epsilon`, `temperature`, ...) are taken.
 */
export interface LossResult {
  readonly loss: Tensor;
  /**
   * The batch's weight, such as its number of tokens. With it every scalar is a sum over the batch and is divided by the weight of all batches of a
   * step; without it every scalar is a mean over the batch, and batches count alike.
   */
  readonly weight?: Tensor;
  /** Derivatives of `loss` by names of parameters, where there is a closed form: these are not differentiated. */
  readonly gradients?: Readonly<Record<string, Tensor>>;
  /** Of prototypes [K, m] the mass that pulls at each, [K], a sum where gradients are: `mass` of `lossAndGradient`, for `massPreconditioned`. */
  readonly masses?: Readonly<Record<string, Tensor>>;
  /** What each carried parameter is after the batch; the batches of a step follow one another. A step that is not finite leaves it as it was. */
  readonly next?: Readonly<Record<string, Tensor>>;
  /** Rows of trained parameters to replace, by name. Only in steps of one batch. */
  readonly replaced?: Readonly<Record<string, Replaced>>;
}

/** What the trainer adds to what a loss sees. */
export interface LossContext {
  /** T of the tracked temperature, a scalar without gradient. @throws DdclError `argument` without `trackTemperature` */
  readonly temperature: Tensor;
}

export type Parameters = Readonly<Record<string, ParameterDefinition>>;
export type Inputs = Readonly<Record<string, TensorType>>;
export type Tensors<Names> = { readonly [Name in keyof Names]: Tensor };

export interface TrainerOptions<P extends Parameters, I extends Inputs, C extends string, R extends LossResult> {
  /** Flat names with dots, as in safetensors: `encoder.weight`. */
  readonly parameters: P;
  /** Types of a batch, by name. Symbols are bound by each batch, and programs are compiled once per set of sizes. float16 arrives as `dtype`. */
  readonly inputs: I;
  /** Names of numbers that change from step to step; they come with each step. */
  readonly controls?: readonly C[];
  readonly groups: readonly GroupDefinition<NoInfer<C>>[];
  /**
   * Traced, once per set of sizes. Where tokens come from an encoder, give the quantization loss `detach(tokens)` unless its gradient is meant to
   * reach the encoder: minimised over an encoder it makes all tokens equal (docs/math.md section 5).
   */
  readonly loss: (
    parameters: Tensors<P>,
    batch: Tensors<I>,
    controls: { readonly [Name in C]: Tensor },
    context: LossContext,
  ) => R;
  /** Gradients are shortened to this length, taken over all trained parameters; > 0. Default: they are left as they are. */
  readonly clipNorm?: number;
  /** Steps of the whole run, for schedules: they see (step - 1) / (totalSteps - 1). */
  readonly totalSteps?: number;
  /** Of parameters, state and controls. Default float32. */
  readonly dtype?: FloatDType;
  /** For `initialize`; a whole number >= 0. Default 0. */
  readonly seed?: number;
  /** Whether steps leave reports behind. Without them their scalars are not even computed, and a step asks its gradient alone whether it is finite. Default true. */
  readonly reports?: boolean;
  readonly trackTemperature?: TemperatureTracking<P, I, C>;
  /** Told when training leaves what docs/math.md sections 4 and 5 allow, with the remedy. Looked at with each report and every 64 steps. */
  readonly onWarning?: (warning: string) => void;
}

/** One input of a batch: its numbers, with a shape where the symbols of its type do not follow from their number; or a buffer, which stays the caller's. */
export type BatchValue =
  | TypedArray
  | readonly number[]
  | { readonly data: TypedArray | readonly number[]; readonly shape: readonly number[] }
  | DeviceBuffer;

export type Batch<I extends Inputs> = { readonly [Name in keyof I]: BatchValue };

export type Controls<C extends string> = { readonly [Name in C]: number };
