import { throwIfAborted } from '../abort/abort-signal.ts';
import type { Backend, Capabilities } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import { requireResolution } from '../model/require-resolution.ts';
import { tokenPass } from '../pass/token-pass.ts';
import { bytesPerElement, type FloatDType } from '../program/dtype.ts';
import { temperatureOf } from '../temperature/resolve.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import type { EncodedRows, EncodeOptions } from './encode-tokens.ts';
import { isInTokenUnits, needsTokenSums, outputWidth, requireOutput, type SegmentOutput } from './outputs.ts';
import { requireModelDimension } from './require-dimension.ts';
import { SegmentAccumulator } from './segment-accumulator.ts';
import { createSegmentFinisher, type SegmentFinisher } from './segment-finisher.ts';
import { segmentProgram } from './segment-program.ts';

/** The largest tensor of a run that sums tokens per segment holds at most this many numbers. */
const segmentElements = 1 << 21;

/** Options of {@link encodeSegments}. */
export interface EncodeSegmentsOptions extends EncodeOptions {
  /** For residuals: give each length 1, then the segment's K m numbers as a whole (VLAD). Default false. */
  readonly normalize?: boolean;
}

/** Segments that are given out together, at most. */
const rowsAtOnce = 1024;

/**
 * Pools the tokens of each segment (sequence, document): one row per segment, in the order of the ids 0, 1, 2, ...
 * A segment without tokens of positive weight gives zeros. Sorted ids need the memory of the segments of two
 * blocks; unsorted ones that of all segments.
 *
 * @param ids segment of each token, a whole number >= 0, in the order of the tokens; one id per token
 * @throws DdclError `shape` if dimensions or the number of ids do not fit, `argument` for ids that are no Int32Array, a negative id or another output;
 *   `data` for pooled and summaries that the dtype cannot hold; `temperature` as `modelState` and `temperatureOf`; `aborted` when the signal fires, also between groups of rows
 */
export async function* encodeSegments(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  ids: Int32Array,
  output: SegmentOutput,
  { temperature = model.temperature, dtype = model.dtype, signal, normalize = false }: EncodeSegmentsOptions = {},
): AsyncGenerator<EncodedRows> {
  requireOutput('encodeSegments', output);
  requireModelDimension(model, source.dimension);
  if (isInTokenUnits(output)) requireResolution(model.offset, model.totalVariance, dtype);
  const total = countSegments(ids);
  const sorted = ids.every((id, index) => index === 0 || id >= ids[index - 1]!);
  const withSums = needsTokenSums(output);
  /** Segments of the blocks that are on their way, by their first token. */
  const parts = new Map<number, BlockSegments>();
  const pass = tokenPass(backend, source, {
    dtype,
    frame: { offset: model.offset, scale: model.scale },
    width: model.count,
    tokens: Math.max(1, ids.length),
    // No block touches more segments than the program has room for.
    cut(first) {
      const part = segmentsOf(ids.subarray(first, first + rows), segments);
      parts.set(first, part);
      return Math.max(1, part.placeOfToken.length);
    },
  });
  const { rows } = pass;
  const segments = withSums ? segmentsPerRun(rows, model, dtype, backend.capabilities) : rows;
  let finisher: SegmentFinisher | undefined;
  let given = 0;
  /** Rows of the segments that were not given out yet, up to one; ids may leave out many between them. */
  async function* rowsUntil(accumulator: SegmentAccumulator, end: number): AsyncGenerator<EncodedRows> {
    while (given < end) {
      throwIfAborted(signal);
      const until = Math.min(end, given + rowsAtOnce);
      yield* await finisher!.finish(accumulator, given, until);
      given = until;
    }
  }
  try {
    const state = modelState(model, temperatureOf(temperature, model.criticalTemperature), dtype).within(pass.frame);
    const accumulator = new SegmentAccumulator(model.count, withSums ? model.count * model.dimension : 0);
    const encode = await pass.compile(segmentProgram(state, { rows, segments, withSums }));
    const width = Math.max(model.count, outputWidth(output, model));
    finisher = await createSegmentFinisher(backend, state, [output], {
      rows: fittingRows(Math.min(total, rowsAtOnce), width, dtype, backend.capabilities),
      spread: Math.sqrt(model.totalVariance),
      isNormalized: normalize,
    });
    const blocks = encode.blocks(state.inputs(), {
      signal,
      beside: (first) => [[{ dtype: 'int32', shape: [rows] }, paddedTo(rows, parts.get(first)!.placeOfToken)]],
    });
    let passed = 0;
    for await (const { first, rows: count, tokenWeights, sums } of blocks) {
      passed += count;
      if (passed > ids.length) throw wrongCount(ids.length, source.tokens ?? passed);
      tokenWeights.forEach((weight, index) => accumulator.addWeight(ids[first + index]!, weight));
      for (const [id, place] of parts.get(first)!.places) accumulator.addSums(id, place, sums[0]!, sums[1]);
      parts.delete(first);
      if (sorted && passed < ids.length) yield* rowsUntil(accumulator, ids[passed]!);
    }
    if (passed !== ids.length) throw wrongCount(ids.length, passed);
    yield* rowsUntil(accumulator, total);
  } finally {
    finisher?.dispose();
    pass.dispose();
  }
}

/** Segments of a block's tokens. */
interface BlockSegments {
  /** Place of each segment among them. */
  readonly places: ReadonlyMap<number, number>;
  /** The place of each token's segment. */
  readonly placeOfToken: Int32Array;
}

/** Of as many tokens, from the first of these ids on, as belong to at most `most` segments. */
function segmentsOf(ids: Int32Array, most: number): BlockSegments {
  const places = new Map<number, number>();
  const placeOfToken = new Int32Array(ids.length);
  let count = 0;
  for (; count < ids.length && (places.has(ids[count]!) || places.size < most); count++) {
    const id = ids[count]!;
    if (!places.has(id)) places.set(id, places.size);
    placeOfToken[count] = places.get(id)!;
  }
  return { places, placeOfToken: placeOfToken.subarray(0, count) };
}

function paddedTo(length: number, values: Int32Array): Int32Array {
  const padded = new Int32Array(length);
  padded.set(values);
  return padded;
}

/**
 * Segments that one run may touch: their token sums are [segments, K, m], and where no kernel makes these, the
 * assignments are spread over segments, [rows, segments, K].
 */
function segmentsPerRun(rows: number, model: DdclModel, dtype: FloatDType, capabilities: Capabilities): number {
  const { count, dimension } = model;
  const perToken = capabilities.composites.includes('ddcl.segmentSums/1') ? dimension : Math.max(dimension, rows);
  return fittingRows(rows, count * perToken, dtype, capabilities);
}

/** At most `rows` rows of `width` numbers, as far as they are no more than the largest tensor. */
function fittingRows(rows: number, width: number, dtype: FloatDType, { maxBufferBytes }: Capabilities): number {
  const most = Math.min(segmentElements, Math.floor(maxBufferBytes / bytesPerElement(dtype)));
  return Math.max(1, Math.min(rows, Math.floor(most / width)));
}

function wrongCount(ids: number, tokens: number): DdclError {
  return new DdclError('shape', `There are ${ids} segment ids but ${tokens} tokens; give one id per token.`);
}

/** The number of segments: the largest id + 1. */
function countSegments(ids: Int32Array): number {
  if (!(ids instanceof Int32Array)) {
    throw new DdclError(
      'argument',
      `Segment ids come as an Int32Array, but ${Object.prototype.toString.call(ids).slice(8, -1)} came. Give Int32Array.from(ids).`,
    );
  }
  let largest = -1;
  ids.forEach((id, index) => {
    if (id < 0) throw new DdclError('argument', `Segment ids are whole numbers >= 0, but token ${index} has ${id}.`);
    if (id > largest) largest = id;
  });
  return largest + 1;
}
