import type { Backend } from '../backend/contract.ts';
import { assign } from '../ddcl/assign.ts';
import { forward } from '../ddcl/forward.ts';
import { nearest } from '../ddcl/nearest.ts';
import { feedState } from '../measure/feed-state.ts';
import { fromFrame } from '../measure/prototype-state.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { uploadBlock } from '../measure/sum-blocks.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import type { FloatDType } from '../program/dtype.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { blockRows } from '../tokens/block-size.ts';
import { frameParameters, framedTokens } from '../tokens/token-feed.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { outputWidth, type TokenOutput } from './outputs.ts';
import { requireModelDimension } from './require-dimension.ts';

export interface EncodeOptions {
  /** Default: the model's. */
  readonly temperature?: number;
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
 * @throws DdclError `shape` if the tokens' dimension is not the model's; `data` for tokens that are not finite
 */
export async function* encodeTokens(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  output: TokenOutput,
  { temperature, dtype = model.dtype, signal }: EncodeOptions = {},
): AsyncGenerator<EncodedRows> {
  requireModelDimension(model, source.dimension);
  const { count, dimension } = model;
  const { state, feed } = feedState(backend, source, modelState(model, temperature, dtype));
  const size = blockRows({ tokens: source.tokens ?? 4096, dimension, prototypes: count }, dtype, backend.capabilities);
  const width = outputWidth(output, model);
  const program = trace(
    [
      tensorType(feed.dtype, [size, dimension]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, []),
      ...frameParameters(feed.dtype, dimension),
    ],
    (tokens, prototypes, warmth, ...frame) => {
      const operands = { tokens: framedTokens(tokens, frame), prototypes, temperature: warmth };
      if (output === 'outputs') return [forward(operands)];
      return [output === 'assignments' ? assign(operands) : nearest(operands).indices];
    },
    `encode ${output}`,
  );
  const executable = await backend.compile(program);
  const shared = [...state.upload(backend), ...feed.uploadFrame()];
  try {
    for await (const block of feed.blocks('stored', size, { keepUnweighted: true })) {
      throwIfAborted(signal);
      const { tokens, weights } = uploadBlock(backend, block, dtype);
      backend.free(weights);
      const [result] = await executable.run([tokens, ...shared], { donate: [0] });
      const all = (await backend.download(result!)) as EncodedRows['data'];
      backend.free(result!);
      const data = all.slice(0, block.rows * width);
      if (output === 'outputs') data.set(fromFrame(data, state.frame));
      yield { rows: block.rows, width, data };
    }
  } finally {
    for (const buffer of shared) backend.free(buffer);
    executable.dispose();
  }
}
