import { readoutOutputs, type GivenTemperature, type ReadoutOutput } from '@ddcl/core/fit';
import { isNumber, isWhole, layerArguments, requireKnown, requireOption, requireVersion } from './config-checks.ts';

/** What `DDCLReadout` is made with, beside what every layer of tfjs takes (`name`, `inputShape`, `trainable`, ...). */
export interface ReadoutLayerOptions {
  /** K >= 1. */
  readonly prototypes: number;
  /**
   * Of tokens [B, L, m]: `pooled` [B, m] (default), `occupancy` [B, K], `summaries` and `residuals` [B, K, m]; or, per token, `outputs` [B, L, m],
   * `assignments` [B, L, K] and `codes` int32 [B, L]. A list gives a list of tensors.
   */
  readonly outputs?: ReadoutOutput | readonly ReadoutOutput[];
  /** Give vectors length 1; residuals prototype by prototype, then as a whole (VLAD). Default false. */
  readonly normalize?: boolean;
  /** T, in the tokens' units squared, or a share of T_c, which is followed as the encoder learns. Default `{ ofCritical: 0.3 }`: lower ones are nearly hard, and little reaches
   * the encoder. */
  readonly temperature?: GivenTemperature;
  /** Weight of L_q per token and total variance in the model's loss, >= 0. Default 0.1. */
  readonly lambda?: number;
  /** Let L_q reach the encoder. It rewards tokens of low rank (docs/math.md section 5). Default false. */
  readonly lqThrough?: boolean;
  /** Decay of the mean that follows T_c, per batch. Default 0.98. */
  readonly tracking?: number;
  /** The prototypes' learning rate over that of the model's optimiser: 1 / epsilon of docs/math.md section 4. Adam moves them by up to its rate times this in a
   * step, in units of the tokens' deviation: 0.01 to 0.05 goes well. Default 10, for rates of about 0.001. */
  readonly rateRatio?: number;
  /** A whole number >= 0. Default 0. */
  readonly seed?: number;
}

/** {@link ReadoutLayerOptions} with defaults filled in. */
export interface ReadoutConfig {
  readonly prototypes: number;
  readonly outputs: readonly ReadoutOutput[];
  /** Whether outputs were given as a list. */
  readonly isList: boolean;
  readonly normalize: boolean;
  readonly temperature: GivenTemperature;
  readonly lambda: number;
  readonly lqThrough: boolean;
  readonly tracking: number;
  readonly rateRatio: number;
  readonly seed: number;
}

const name = 'DDCLReadout';
/** All that there are; a saved layer has each. */
export const readoutOptions: readonly string[] = [
  'prototypes',
  'outputs',
  'normalize',
  'temperature',
  'lambda',
  'lqThrough',
  'tracking',
  'rateRatio',
  'seed',
];

/** @throws DdclError `argument` or `temperature` for options out of range; `format` for a layer of another version */
export function readoutConfig(options: ReadoutLayerOptions & { readonly version?: number }): ReadoutConfig {
  requireOption(
    name,
    'its options',
    options,
    typeof options === 'object' && options !== null,
    'an object such as { prototypes: 16 }',
  );
  requireVersion(name, options.version);
  requireKnown(name, options, [...readoutOptions, ...layerArguments]);
  const { prototypes, outputs = 'pooled', normalize = false, temperature = { ofCritical: 0.3 } } = options;
  const { lambda = 0.1, lqThrough = false, tracking = 0.98, rateRatio = 10, seed = 0 } = options;
  requireOption(name, 'prototypes', prototypes, isWhole(prototypes, 1), 'a whole number >= 1');
  const list = (typeof outputs === 'string' ? [outputs] : outputs) as readonly ReadoutOutput[];
  const isKnown = Array.isArray(list) && list.length > 0 && list.every((each) => readoutOutputs.includes(each));
  requireOption(name, 'outputs', outputs, isKnown, `one of ${readoutOutputs.join(', ')}, or a list of them`);
  requireTemperature(temperature);
  requireOption(
    name,
    'lambda',
    lambda,
    isNumber(lambda, (value) => value >= 0),
    'a number >= 0',
  );
  requireOption(
    name,
    'tracking',
    tracking,
    isNumber(tracking, (value) => value >= 0 && value < 1),
    'a number from 0 to below 1',
  );
  requireOption(
    name,
    'rateRatio',
    rateRatio,
    isNumber(rateRatio, (value) => value > 0),
    'a number > 0',
  );
  requireOption(name, 'seed', seed, isWhole(seed, 0), 'a whole number >= 0');
  for (const [option, value] of Object.entries({ normalize, lqThrough }))
    requireOption(name, option, value, typeof value === 'boolean', 'true or false');
  const isList = typeof outputs !== 'string';
  return { prototypes, outputs: list, isList, normalize, temperature, lambda, lqThrough, tracking, rateRatio, seed };
}

function requireTemperature(given: GivenTemperature): void {
  const isRight =
    typeof given === 'number'
      ? isNumber(given, (value) => value > 0)
      : isNumber((given as { ofCritical?: unknown } | null)?.ofCritical, (value) => value > 0 && value < 1);
  const wanted =
    'a number > 0 (in squared units of the tokens), or { ofCritical } > 0 and < 1 (at T_c or above it all prototypes collapse into one point)';
  requireOption(name, 'temperature', given, isRight, wanted, 'temperature');
}
