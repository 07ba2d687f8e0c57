import { throwIfAborted } from '../abort/abort-signal.ts';
import type { Backend, Capabilities, DeviceBuffer, Executable } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { feedState } from '../measure/feed-state.ts';
import { uploadBlock } from '../measure/sum-blocks.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import { bytesPerElement, type FloatDType } from '../program/dtype.ts';
import { blockRows } from '../tokens/block-size.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import type { EncodedRows, EncodeOptions } from './encode-tokens.ts';
import { needsTokenSums, outputWidth, type SegmentOutput } from './outputs.ts';
import { requireModelDimension } from './require-dimension.ts';
import { SegmentAccumulator } from './segment-accumulator.ts';
import { SegmentFinisher } from './segment-finisher.ts';
import { segmentProgram, type SegmentProgramSizes } from './segment-program.ts';

/** The largest tensor of a run that sums tokens per segment holds at most this many numbers. */
const segmentElements = 1 << 21;

/** Options of {@link encodeSegments}. */
export interface EncodeSegmentsOptions extends EncodeOptions {
  /** For residuals: give each length 1, then the segment's K m numbers as a whole (VLAD). Default false. */
  readonly normalise?: boolean;
}

/** Segments that are given out together at the end. */
const rowsAtOnce = 1024;

/**
 * Pools the tokens of each segment (sequence, document): one row per segment, in the order of the ids 0, 1, 2, ...
 * A segment without tokens of positive weight gives zeros. Sorted ids need the memory of the segments of one
 * block; unsorted ones that of all segments.
 *
 * @param ids segment of each token, a whole number >= 0, in the order of the tokens; one id per token
 * @throws DdclError `shape` if dimensions or the number of ids do not fit, `argument` for a negative id
 */
export async function* encodeSegments(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  ids: Int32Array,
  output: SegmentOutput,
  { temperature, dtype = model.dtype, signal, normalise = false }: EncodeSegmentsOptions = {},
): AsyncGenerator<EncodedRows> {
  requireModelDimension(model, source.dimension);
  const { count, dimension } = model;
  const total = countSegments(ids);
  const sorted = ids.every((id, index) => index === 0 || id >= ids[index - 1]!);
  const { state, feed } = feedState(backend, source, modelState(model, temperature, dtype));
  const withSums = needsTokenSums(output);
  const rows = blockRows(
    { tokens: Math.max(1, ids.length), dimension, prototypes: count },
    dtype,
    backend.capabilities,
  );
  const segments = withSums ? segmentsPerRun(rows, model, dtype, backend.capabilities) : rows;
  const sizes: SegmentProgramSizes = { rows, segments, count, dimension, dtype, tokenDtype: feed.dtype, withSums };
  const accumulator = new SegmentAccumulator(count, withSums ? count * dimension : 0);
  const executable = await backend.compile(segmentProgram(sizes));
  const width = Math.max(count, outputWidth(output, model));
  const finisher = await SegmentFinisher.create(backend, state, [output], {
    rows: fittingRows(Math.min(total, rowsAtOnce), width, dtype, backend.capabilities),
    spread: Math.sqrt(model.totalVariance),
    isNormalised: normalise,
  });
  const shared = state.upload(backend);
  const frame = feed.uploadFrame();
  let first = 0;
  let given = 0;
  try {
    for await (const block of feed.blocks('stored', rows)) {
      throwIfAborted(signal);
      if (first + block.rows > ids.length) throw wrongCount(ids.length, source.tokens ?? first + block.rows);
      const own = ids.subarray(first, first + block.rows);
      await addBlock(backend, executable, { shared, frame }, sizes, block, own, accumulator);
      first += block.rows;
      const ended = sorted && first < ids.length ? ids[first]! : given;
      if (ended > given) yield* await finisher.finish(accumulator, given, ended);
      given = Math.max(given, ended);
    }
    if (first !== ids.length) throw wrongCount(ids.length, first);
    for (; given < total; given += rowsAtOnce)
      yield* await finisher.finish(accumulator, given, Math.min(total, given + rowsAtOnce));
  } finally {
    for (const buffer of [...shared, ...frame]) backend.free(buffer);
    executable.dispose();
    finisher.dispose();
  }
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

/** Runs one block, in parts of which none touches more segments than the program has room for. */
async function addBlock(
  backend: Backend,
  executable: Executable,
  { shared, frame }: { readonly shared: readonly DeviceBuffer[]; readonly frame: readonly DeviceBuffer[] },
  { rows, segments, dtype }: SegmentProgramSizes,
  block: DeviceBlock,
  ids: Int32Array,
  accumulator: SegmentAccumulator,
): Promise<void> {
  const resident = uploadBlock(backend, block, dtype);
  backend.free(resident.weights);
  try {
    for (let from = 0; from < ids.length;) {
      /** Place of each segment within the part. */
      const places = new Map<number, number>();
      const local = new Int32Array(rows);
      let to = from;
      for (; to < ids.length && (places.has(ids[to]!) || places.size < segments); to++) {
        const id = ids[to]!;
        if (!places.has(id)) places.set(id, places.size);
        local[to] = places.get(id)!;
        accumulator.addWeight(id, block.weights[to]!);
      }
      const weights = block.weights.slice().fill(0, 0, from).fill(0, to);
      const inputs = [
        resident.tokens,
        backend.upload({ dtype, shape: [rows] }, weights),
        ...shared,
        backend.upload({ dtype: 'int32', shape: [rows] }, local),
        ...frame,
      ];
      const results = await executable.run(inputs, { donate: [1, 4] });
      const [mass, sums] = await Promise.all(results.map((result) => backend.download(result)));
      for (const result of results) backend.free(result);
      for (const [id, place] of places) accumulator.addSums(id, place, mass!, sums);
      from = to;
    }
  } finally {
    backend.free(resident.tokens);
  }
}

function wrongCount(ids: number, tokens: number): DdclError {
  return new DdclError('shape', `There are ${ids} segment ids but ${tokens} tokens; give one id per token.`);
}

/** The number of segments: the largest id + 1. */
function countSegments(ids: Int32Array): number {
  let largest = -1;
  ids.forEach((id, index) => {
    if (id < 0) throw new DdclError('argument', `Segment ids are whole numbers >= 0, but token ${index} has ${id}.`);
    if (id > largest) largest = id;
  });
  return largest + 1;
}
