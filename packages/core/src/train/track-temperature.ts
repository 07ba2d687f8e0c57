import { DdclError } from '../errors/ddcl-error.ts';
import { broadcastTo, reshape, slice } from '../program/ops/layout.ts';
import { div, maximum, mul } from '../program/ops/elementwise.ts';
import { detach, scalar } from '../program/ops/create.ts';
import { elementCount, type ConcreteType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';
import type { Inputs, Parameters, Setting, Tensors } from './options.ts';
import { spreadCritical, tiny, trackSpread } from './track-spread.ts';

/** Tokens whose spread decides the temperature, of any shape [..., m], with weights [...] where they do not all count. */
export interface TrackedTokens {
  readonly tokens: Tensor;
  readonly weights?: Tensor;
}

/**
 * Follows the critical temperature `T_c = 4 lambda_max(C)` of tokens that an encoder changes (docs/math.md section 5): power steps on each batch,
 * which carry on from step to step, and an exponential mean of what they find. Give either `share` or `temperature`.
 */
export interface TemperatureTracking<
  P extends Parameters = Parameters,
  I extends Inputs = Inputs,
  C extends string = string,
> {
  readonly tokens: (parameters: Tensors<P>, batch: Tensors<I>) => TrackedTokens;
  /** Keeps T at this share of T_c; below 1. The loss finds T in its context. */
  readonly share?: Setting<NoInfer<C>>;
  /** T is what the caller says, in units of squared distance, and only watched. */
  readonly temperature?: Setting<NoInfer<C>>;
  /** Name of the prototypes' parameter, [K, m]. Default `prototypes`. */
  readonly prototypes?: keyof P & string;
  /** Of the exponential mean, per batch; 0 <= decay < 1. Default 0.95. */
  readonly decay?: number;
  /** Power steps per batch, >= 1. Default 2. */
  readonly iterations?: number;
}

/** {@link TemperatureTracking}, checked. */
export interface Tracking {
  readonly tokens: (
    parameters: Readonly<Record<string, Tensor>>,
    batch: Readonly<Record<string, Tensor>>,
  ) => TrackedTokens;
  /** T / T_c, or T itself if `isFixed`. */
  readonly share: Setting<string>;
  readonly isFixed: boolean;
  readonly prototypes: string;
  readonly dimension: number;
  readonly decay: number;
  readonly iterations: number;
}

/** Names of what tracking reports, in order: T, T_c, T over the last batch's T_c, total variance of the last batch's tokens and of the first. */
export const trackedReports = [
  'temperature',
  'criticalTemperature',
  'temperatureRatio',
  'tokenVariance',
  'firstTokenVariance',
] as const;

/** @throws DdclError `argument` for options out of range or prototypes that are no parameter [K, m] */
export function resolveTracking(
  options: unknown,
  trained: readonly { readonly name: string; readonly type: ConcreteType }[],
): Tracking | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null)
    throw new DdclError('argument', `trackTemperature takes an object of options, but got ${String(options)}.`);
  const {
    tokens,
    share,
    temperature,
    prototypes = 'prototypes',
    decay = 0.95,
    iterations = 2,
  } = options as TemperatureTracking;
  const shape = trained.find(({ name }) => name === prototypes)?.type.shape;
  if (typeof tokens !== 'function') {
    throw new DdclError(
      'argument',
      `trackTemperature needs tokens, a function of the parameters and the batch that returns { tokens }, but got ${String(tokens)}.`,
    );
  }
  if (
    (share === undefined) === (temperature === undefined) ||
    shape?.length !== 2 ||
    !(decay >= 0 && decay < 1) ||
    !(Number.isSafeInteger(iterations) && iterations >= 1)
  ) {
    throw new DdclError(
      'argument',
      `trackTemperature takes either share or temperature, the name of trained prototypes [K, m], 0 <= decay < 1 and iterations >= 1, but got share ${String(share)}, temperature ${String(temperature)}, '${prototypes}' [${shape?.join(', ') ?? 'no trained parameter'}], ${decay} and ${iterations}.`,
    );
  }
  return {
    tokens: tokens as Tracking['tokens'],
    share: (share ?? temperature)!,
    isFixed: share === undefined,
    prototypes,
    dimension: shape[1]!,
    decay,
    iterations,
  };
}

/** How many tensors track a temperature; none where nothing is tracked. */
export const trackedCount = (tracking: Tracking | undefined): number => (tracking === undefined ? 0 : 2);

/** Tokens as rows [n, m] and their weights [n, 1], without gradients. */
export function tokenRows(tracked: TrackedTokens, { dimension }: Tracking): { rows: Tensor; column: Tensor } {
  if (tracked?.tokens?.shape === undefined) {
    throw new DdclError(
      'argument',
      `The tokens of trackTemperature return { tokens } or { tokens, weights }, tensors made of the parameters and the batch, but returned ${tracked === undefined || tracked === null ? String(tracked) : 'no tokens'}.`,
    );
  }
  const { tokens, weights } = tracked;
  const count = elementCount(tokens.shape as number[]) / dimension;
  if (tokens.shape.at(-1) !== dimension) {
    throw new DdclError(
      'shape',
      `trackTemperature needs tokens [..., ${dimension}], as long as the prototypes, but got [${tokens.shape.join(', ')}].`,
      { shapes: [tokens.shape] },
    );
  }
  const column = weights === undefined ? broadcastTo(scalar(tokens, 1), [count, 1]) : reshape(weights, [count, 1]);
  return { rows: detach(reshape(tokens, [count, dimension])), column: detach(column) };
}

/** The statistics after one more batch. */
export function trackBatch(tracking: Tracking, tracked: TrackedTokens, before: readonly Tensor[]): Tensor[] {
  return trackSpread(tokenRows(tracked, tracking), before as [Tensor, Tensor], tracking);
}

/** T and T_c from the statistics; both are 0 before the first batch. */
export function trackedTemperature(
  { isFixed }: Tracking,
  [, averages]: readonly Tensor[],
  share: Tensor,
): { temperature: Tensor; critical: Tensor } {
  const critical = spreadCritical(averages!);
  return { temperature: isFixed ? share : mul(critical, share), critical };
}

/** Scalars of {@link trackedReports}. */
export function trackedScalars(tracking: Tracking, statistics: readonly Tensor[], share: Tensor): Tensor[] {
  const { temperature, critical } = trackedTemperature(tracking, statistics, share);
  const at = (index: number): Tensor => reshape(slice(statistics[1]!, [index], [1]), []);
  return [temperature, critical, div(temperature, maximum(mul(at(2), 4), tiny)), at(3), at(4)];
}
