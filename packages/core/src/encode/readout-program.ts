import { l2Normalize } from '../composite/l2-normalize.ts';
import { nearest } from '../ddcl/nearest.ts';
import { assignByKeys, attend, logitsByKeys, paddedSums, segmentedSums, type ReadoutSums } from '../ddcl/readout.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { DdclModel } from '../model/model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { requireResolution } from '../model/require-resolution.ts';
import { constant } from '../program/ops/create.ts';
import { less, mul, select, sub } from '../program/ops/elementwise.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { argMax } from '../program/ops/reduce.ts';
import type { NamedProgram } from '../program/program.ts';
import { f32, i32 } from '../program/tensor-type.ts';
import { trace, type Tensor } from '../program/trace.ts';
import { segmentOutput } from './segment-output.ts';
import { temperatureOf, type GivenTemperature } from '../temperature/resolve.ts';
import { isSegmentOutput, needsTokenSums, readoutOutputs, type ReadoutOutput } from './outputs.ts';
import { readoutTerms } from './readout-terms.ts';

export interface ReadoutProgramOptions {
  /** What it returns, in one pass. Default `['outputs']`. */
  readonly outputs?: readonly ReadoutOutput[];
  /** T, in the tokens' units squared, or a share of the model's critical temperature. Default: the model's. */
  readonly temperature?: GivenTemperature;
  /** Default: the model's. */
  readonly preprocessing?: Preprocessing;
  /**
   * How tokens come. `packed`, the default: `tokens` [n, m], and for outputs of segments `segments` int32 [n], the segment of each token from
   * 0. `padded`: `tokens` [batch_size, sequence_length, m], and for outputs of segments `mask` [batch_size, sequence_length], 0 for padding,
   * which may hold anything.
   */
  readonly layout?: 'packed' | 'padded';
  /** Version of the program that makes it, for the metadata. */
  readonly version?: string;
}

/**
 * A model as a program of its own, in float32, for any number of tokens: K, m, T and whatever else is the model's are constants in it.
 * Results are named after the outputs: [n, ...] or [batch_size, sequence_length, ...] per token, [s, ...] or [batch_size, ...] per segment,
 * residuals normalized (VLAD). `programToOnnx` and `appendReadout` of @ddcl/backend-ort make files of it.
 *
 * @throws DdclError `argument` for outputs or a layout that there are not, or an output that is named twice; `data` for tokens that float32 cannot hold
 *   (`requireResolution`); `temperature` as `modelState` and
 *   `temperatureOf`
 */
export function readoutProgram(fitted: DdclModel, options: ReadoutProgramOptions = {}): NamedProgram {
  const { outputs = ['outputs'], layout = 'packed', version, preprocessing = fitted.preprocessing } = options;
  const model = { ...fitted, preprocessing: undefined };
  const temperature = temperatureOf(options.temperature ?? model.temperature, model.criticalTemperature);
  const unknown = outputs.find((output) => !readoutOutputs.includes(output));
  if (unknown !== undefined || outputs.length === 0) {
    const given = unknown === undefined ? 'there is none' : `'${String(unknown)}' is not one`;
    throw new DdclError('argument', `outputs must name some of ${readoutOutputs.join(', ')}, but ${given}.`);
  }
  // Results are named after their outputs.
  const repeated = outputs.find((output, index) => outputs.indexOf(output) !== index);
  if (repeated !== undefined)
    throw new DdclError('argument', `outputs must name each output once, but has '${repeated}' twice. Leave one out.`);
  if (layout !== 'packed' && layout !== 'padded')
    throw new DdclError('argument', `layout must be 'packed' or 'padded', but is '${String(layout)}'.`);
  const { count, dimension } = model;
  const terms = readoutTerms(model, temperature, 'float32');
  const isPadded = layout === 'padded';
  const sums = outputs.filter(isSegmentOutput);
  const leading = isPadded ? ['batch_size', 'sequence_length'] : ['n'];
  const more = isPadded ? f32(...leading) : i32('n');
  const program = trace(
    [f32(...leading, dimension), ...(sums.length > 0 ? [more] : [])],
    (given, groups) => {
      const numbers = (shape: readonly number[], values: ArrayLike<number>): Tensor =>
        constant(given, 'float32', shape, values);
      const tokens = frameTokens(given, model, terms.offset, preprocessing);
      const keys = numbers([dimension, count], terms.keys);
      const bias = numbers([count], terms.bias);
      const values = numbers([count, dimension], model.prototypes);
      const frame = {
        values,
        prototypes: terms.isFramed ? numbers([count, dimension], terms.prototypes) : values,
        offset: terms.isFramed ? numbers([dimension], terms.offset) : undefined,
        scale: 1,
        spread: Math.sqrt(model.totalVariance),
      };
      let known: ReadoutSums | undefined;
      const sumsOf = (): ReadoutSums => {
        const withTokens = sums.some(needsTokenSums);
        if (!isPadded)
          return segmentedSums(assignByKeys(tokens, keys, bias), groups!, 's', withTokens ? tokens : undefined);
        // 0 times what padding holds may be NaN. Where no tokens are summed, assignments are fewer numbers to look at.
        const isToken = less(0, reshape(groups!, [...leading, 1]));
        if (!withTokens) return paddedSums(select(isToken, assignByKeys(tokens, keys, bias), 0), groups!);
        const counted = select(isToken, tokens, 0);
        return paddedSums(assignByKeys(counted, keys, bias), groups!, counted);
      };
      return outputs.map((output) => {
        if (isSegmentOutput(output)) return segmentOutput(output, (known ??= sumsOf()), frame, true);
        if (output === 'codes') {
          return isPadded
            ? argMax(logitsByKeys(tokens, keys, bias), leading.length)
            : nearest({ tokens, prototypes: frame.prototypes }).indices;
        }
        if (output === 'assignments') return assignByKeys(tokens, keys, bias);
        return isPadded ? matmul(assignByKeys(tokens, keys, bias), values) : attend(tokens, keys, bias, values);
      });
    },
    `ddcl ${outputs.join('+')}`,
  );
  return {
    program,
    inputs: ['tokens', ...(sums.length === 0 ? [] : [isPadded ? 'mask' : 'segments'])],
    outputs,
    sizes: { s: 'segments' },
    metadata: {
      'ddcl.readout': outputs.join('+'),
      'ddcl.prototypes': String(count),
      'ddcl.dimension': String(dimension),
      'ddcl.temperature': String(temperature),
      ...(version === undefined ? {} : { 'ddcl.version': version }),
    },
  };
}

/** Tokens as the model sees them, less an offset. Without normalization all of it is one subtraction, before anything is rounded, and one product. */
function frameTokens(
  tokens: Tensor,
  model: DdclModel,
  offset: Float64Array,
  { standardize, normalize }: Preprocessing = { standardize: null, normalize: false },
): Tensor {
  const { dimension, totalVariance } = model;
  const affine = (x: Tensor, shift: Float64Array, factor: Float64Array): Tensor => {
    const vector = (values: Float64Array): Tensor => constant(x, 'float32', [dimension], values);
    const shifted = shift.some((each) => each !== 0) ? sub(x, vector(shift)) : x;
    return factor.some((each) => each !== 1) ? mul(shifted, vector(factor)) : shifted;
  };
  const mean = Float64Array.from(standardize?.mean ?? new Float64Array(dimension));
  const deviation = Float64Array.from(standardize?.deviation ?? new Float64Array(dimension).fill(1));
  const factor = deviation.map((each) => 1 / each);
  const together = mean.map((each, axis) => each + deviation[axis]! * offset[axis]!);
  const require = (seen: Float64Array, variance: number): void =>
    requireResolution(
      seen,
      variance,
      'float32',
      'A program takes tokens as they come, in float32: fit to tokens that are less their mean before.',
    );
  const scaled = (values: Float64Array): Float64Array => values.map((each, axis) => each * factor[axis]!);
  require(scaled(normalize ? mean : together), normalize ? dimension : totalVariance);
  require(model.offset, totalVariance);
  if (!normalize) return affine(tokens, together, factor);
  return affine(l2Normalize(affine(tokens, mean, factor), -1, 1e-30), offset, factor.fill(1));
}
