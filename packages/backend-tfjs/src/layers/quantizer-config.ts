import { createRandom } from '@ddcl/core';
import { createState, quantizerPart, type QuantizerSchedule, type QuantizerSpec } from '@ddcl/vq';
import { isNumber, isWhole, layerArguments, requireKnown, requireOption, requireVersion } from './config-checks.ts';

/** What of a quantizer's spec the layer passes on; its `dimension` is that of the input. */
export type QuantizerSpecOptions = Pick<
  QuantizerSpec,
  'heads' | 'sharedHeads' | 'depth' | 'sharedDepth' | 'norm' | 'lqWeight' | 'lqThrough' | 'tracking' | 'commitment'
>;

/** What `DDCLQuantizer` is made with, beside what every layer of tfjs takes (`name`, `inputShape`, `trainable`, ...). */
export interface QuantizerLayerOptions extends QuantizerSpecOptions {
  /** K >= 2. */
  readonly codes: number;
  /** Training batches over which the schedule goes: epochs times batches per epoch. What comes after stays at its end. */
  readonly steps: number;
  /** How the temperature and the noise go over the steps. Default: that of @ddcl/vq, with `warmUp` 1 / 30. */
  readonly schedule?: QuantizerSchedule;
  /** `vectors` [..., m] (default), or `codes` int32 [..., heads depth]. A list gives a list of tensors. */
  readonly outputs?: QuantizerOutput | readonly QuantizerOutput[];
  /**
   * The codes' learning rate over that of the model's optimiser: 1 / epsilon of docs/math.md section 4. Adam moves them by up to its rate times this in a step, in
   * units of normed latents: 0.02 to 0.05 goes well. Default 30, for rates of about 0.001.
   */
  readonly rateRatio?: number;
  /** A whole number >= 0. Default 0. */
  readonly seed?: number;
}

export type QuantizerOutput = 'vectors' | 'codes';

/** {@link QuantizerLayerOptions} with defaults filled in. */
export interface QuantizerConfig {
  readonly codes: number;
  readonly steps: number;
  readonly schedule: QuantizerSchedule;
  readonly outputs: readonly QuantizerOutput[];
  /** Whether outputs were given as a list. */
  readonly isList: boolean;
  readonly rateRatio: number;
  readonly seed: number;
  readonly spec: Omit<QuantizerSpec, 'dimension'>;
}

const name = 'DDCLQuantizer';
const specOptions = [
  'heads',
  'sharedHeads',
  'depth',
  'sharedDepth',
  'norm',
  'lqWeight',
  'lqThrough',
  'tracking',
  'commitment',
] as const;
const ownOptions = ['codes', 'steps', 'schedule', 'outputs', 'rateRatio', 'seed'] as const;
/** What each saved layer has; of the spec it has what was given. */
export const savedOptions: readonly string[] = [...ownOptions, 'norm'];
const quantizerOutputs: readonly QuantizerOutput[] = ['vectors', 'codes'];

/** @throws DdclError `argument` for options out of range, as @ddcl/vq says it; `format` for a layer of another version */
export function quantizerConfig(options: QuantizerLayerOptions & { readonly version?: number }): QuantizerConfig {
  const isObject = typeof options === 'object' && options !== null;
  requireOption(name, 'its options', options, isObject, 'an object such as { codes: 64, steps: 3000 }');
  requireVersion(name, options.version);
  requireKnown(name, options, [...ownOptions, ...specOptions, ...layerArguments]);
  const { codes, steps, outputs = 'vectors', rateRatio = 30, seed = 0, norm = 'scale' } = options;
  requireOption(name, 'codes', codes, isWhole(codes, 2), 'a whole number >= 2');
  const wanted =
    'a whole number >= 1: the training batches over which its temperature falls, epochs times batches per epoch';
  requireOption(name, 'steps', steps, isWhole(steps, 1), wanted);
  const list = (typeof outputs === 'string' ? [outputs] : outputs) as readonly QuantizerOutput[];
  const isKnown = Array.isArray(list) && list.length > 0 && list.every((each) => quantizerOutputs.includes(each));
  requireOption(name, 'outputs', outputs, isKnown, `one of ${quantizerOutputs.join(', ')}, or a list of them`);
  const isRight = isNumber(rateRatio, (value) => value > 0);
  requireOption(name, 'rateRatio', rateRatio, isRight, 'a number > 0');
  requireOption(name, 'seed', seed, isWhole(seed, 0), 'a whole number >= 0');
  const given = specOptions.flatMap((each) => (options[each] === undefined ? [] : [[each, options[each]] as const]));
  const spec = { kind: 'ddcl', codes, ...(Object.fromEntries(given) as QuantizerSpecOptions), norm } as const;
  const schedule: QuantizerSchedule = { warmUp: 1 / 30, ...options.schedule };
  // Both say what is wrong with theirs; the width is not known yet, and any that the heads divide will do.
  const heads = isWhole(spec.heads, 1) ? spec.heads! : 1;
  const part = quantizerPart(createState({ ...spec, dimension: heads }));
  part.drawControls(schedule, 0, createRandom(seed));
  return { codes, steps, schedule, outputs: list, isList: typeof outputs !== 'string', rateRatio, seed, spec };
}
