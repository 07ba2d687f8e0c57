import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend } from '../backend/contract.ts';
import { assign } from '../ddcl/assign.ts';
import { forward } from '../ddcl/forward.ts';
import { nearest } from '../ddcl/nearest.ts';
import { fromFrame } from '../measure/prototype-state.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import { requireResolution } from '../model/require-resolution.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { tokenProgram } from '../pass/token-program.ts';
import type { FloatDType } from '../program/dtype.ts';
import { tensorType } from '../program/tensor-type.ts';
import { temperatureOf, type GivenTemperature } from '../temperature/resolve.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { isInTokenUnits, outputWidth, requireOutput, type TokenOutput } from './outputs.ts';
import { requireModelDimension } from './require-dimension.ts';

export interface EncodeOptions {
  /** In the tokens' units squared, or a share of the model's critical temperature. Default: the model's. */
  readonly temperature?: GivenTemperature;
  /** Default: the model's. */
  readonly dtype?: FloatDType;
  readonly signal?: AbortSignalLike | undefined;
}

/** Rows of results in the order of the tokens. */
export interface EncodedRows {
  readonly rows: number;
  /** Numbers per row. */
  readonly width: number;
  /** `rows * width` numbers; a copy. */
  readonly data: Float32Array | Float64Array | Int32Array;
}

/**
 * Applies a model to each token of a pass in stored order; changes nothing.
 *
 * @throws DdclError `argument` for another output; `shape` if the tokens' dimension is not the model's; `data` for tokens that are not finite, and for outputs that the dtype cannot hold (`requireResolution`);
 *   `temperature` as `modelState` and `temperatureOf`
 */
export async function* encodeTokens(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  output: TokenOutput,
  { temperature = model.temperature, dtype = model.dtype, signal }: EncodeOptions = {},
): AsyncGenerator<EncodedRows> {
  requireOutput('encodeTokens', output);
  requireModelDimension(model, source.dimension);
  if (isInTokenUnits(output)) requireResolution(model.offset, model.totalVariance, dtype);
  const { count, dimension } = model;
  const pass = tokenPass(backend, source, {
    dtype,
    frame: { offset: model.offset, scale: model.scale },
    width: count,
    keepUnweighted: true,
  });
  try {
    const state = modelState(model, temperatureOf(temperature, model.criticalTemperature), dtype).within(pass.frame);
    const width = outputWidth(output, model);
    const encode = await pass.compile(
      tokenProgram(
        `encode ${output}`,
        [tensorType(dtype, [count, dimension]), tensorType(dtype, [])],
        (tokens, _weights, prototypes, warmth) => {
          const operands = { tokens, prototypes, temperature: warmth };
          if (output === 'outputs') return { perToken: [forward(operands)] };
          return { perToken: [output === 'assignments' ? assign(operands) : nearest(operands).indices] };
        },
      ),
    );
    for await (const { rows, perToken } of encode.blocks(state.inputs(), { signal })) {
      const data = perToken[0] as EncodedRows['data'];
      if (output === 'outputs') data.set(fromFrame(data, state.frame));
      yield { rows, width, data };
    }
  } finally {
    pass.dispose();
  }
}
