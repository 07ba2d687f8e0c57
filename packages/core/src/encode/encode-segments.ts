import type { Backend } from '../backend/contract.ts';
import { segmentMass, segmentSums } from '../ddcl/segments.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { throwIfAborted } from '../abort/abort-signal.ts';
import { uploadBlock } from '../measure/sum-blocks.ts';
import { modelState, type DdclModel } from '../model/model.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { blockRows } from '../tokens/block-size.ts';
import { deviceBlocks } from '../tokens/device-blocks.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import type { EncodedRows, EncodeOptions } from './encode-tokens.ts';
import { finishSegment, type SegmentOutput } from './finish-segment.ts';
import { requireModelDimension } from './require-dimension.ts';

/** Segments that one block may touch when its token sums are asked for: they are [segments, K, m]. */
const segmentElements = 1 << 21;

/** Sums of a segment that is not finished yet. */
interface OpenSegment {
  readonly mass: Float64Array;
  readonly sums: Float64Array | undefined;
  weight: number;
}

function segmentProgram(rows: number, segments: number, count: number, dimension: number, dtype: FloatDType, withSums: boolean): Program {
  return trace(
    [
      tensorType(dtype, [rows, dimension]),
      tensorType(dtype, [rows]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, []),
      tensorType('int32', [rows]),
    ],
    (tokens, weights, prototypes, temperature, ids) => {
      const operands = { tokens, weights, prototypes, temperature, ids };
      if (!withSums) return [segmentMass(operands, segments)];
      const { mass, sums } = segmentSums(operands, segments);
      return [mass, sums];
    },
    'encode segments',
  );
}

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
  what: SegmentOutput,
  { temperature, dtype = model.dtype, signal }: EncodeOptions = {},
): AsyncGenerator<EncodedRows> {
  requireModelDimension(model, source.dimension);
  const { count, dimension } = model;
  const total = checkIds(ids);
  const sorted = ids.every((id, index) => index === 0 || id >= ids[index - 1]!);
  const state = modelState(model, temperature, dtype);
  const withSums = what === 'summaries';
  const rows = blockRows({ tokens: Math.max(1, ids.length), dimension, prototypes: count }, dtype, backend.capabilities);
  const segments = withSums ? Math.max(1, Math.min(rows, Math.floor(segmentElements / (count * dimension)))) : rows;
  const executable = await backend.compile(segmentProgram(rows, segments, count, dimension, dtype, withSums));
  const shared = state.upload(backend);
  const open = new Map<number, OpenSegment>();
  let next = 0;

  const add = (id: number, weight: number): OpenSegment => {
    let segment = open.get(id);
    if (segment === undefined) {
      segment = { mass: new Float64Array(count), sums: withSums ? new Float64Array(count * dimension) : undefined, weight: 0 };
      open.set(id, segment);
    }
    segment.weight += weight;
    return segment;
  };

  /** Runs tokens `from` to `to` of a block, whose ids are at most `segments` different ones. */
  const runPart = async (
    block: { tokens: Parameters<typeof executable.run>[0][number]; weights: Float32Array | Float64Array },
    first: number,
    from: number,
    to: number,
  ): Promise<void> => {
    const local = new Map<number, number>();
    const localIds = new Int32Array(rows);
    const weights = block.weights.slice().fill(0, 0, from).fill(0, to);
    for (let row = from; row < to; row++) {
      const id = ids[first + row]!;
      if (!local.has(id)) local.set(id, local.size);
      localIds[row] = local.get(id)!;
      add(id, weights[row]!);
    }
    const inputs = [
      block.tokens,
      backend.upload({ dtype, shape: [rows] }, weights),
      ...shared,
      backend.upload({ dtype: 'int32', shape: [rows] }, localIds),
    ];
    const results = await executable.run(inputs, { donate: [1, 4] });
    const [mass, sums] = await Promise.all(results.map((result) => backend.download(result)));
    for (const result of results) backend.free(result);
    for (const [id, place] of local) {
      const segment = open.get(id)!;
      for (let k = 0; k < count; k++) segment.mass[k]! += mass![place * count + k]!;
      const width = count * dimension;
      for (let index = 0; segment.sums !== undefined && index < width; index++) segment.sums[index]! += sums![place * width + index]!;
    }
  };

  const flush = (until: number): EncodedRows | undefined => {
    if (next >= until) return undefined;
    const finished = [];
    for (; next < until; next++) {
      finished.push(finishSegment(open.get(next), what, state));
      open.delete(next);
    }
    const width = finished[0]!.length;
    const data = dtype === 'float32' ? new Float32Array(finished.length * width) : new Float64Array(finished.length * width);
    finished.forEach((row, index) => data.set(row, index * width));
    return { rows: finished.length, width, data };
  };

  try {
    let first = 0;
    for await (const block of deviceBlocks(source.blocks('stored'), { size: rows, dimension, dtype, frame: state.frame })) {
      throwIfAborted(signal);
      if (first + block.rows > ids.length) throw wrongCount(ids.length, source.tokens ?? first + block.rows);
      const resident = uploadBlock(backend, block, dtype);
      backend.free(resident.weights);
      try {
        for (let from = 0; from < block.rows; ) {
          const seen = new Set<number>();
          let to = from;
          while (to < block.rows && (seen.has(ids[first + to]!) || seen.size < segments)) seen.add(ids[first + to++]!);
          await runPart({ tokens: resident.tokens, weights: block.weights }, first, from, to);
          from = to;
        }
      } finally {
        backend.free(resident.tokens);
      }
      first += block.rows;
      const finished = sorted && first < ids.length ? flush(ids[first]!) : undefined;
      if (finished !== undefined) yield finished;
    }
    if (first !== ids.length) throw wrongCount(ids.length, first);
    for (let until = Math.min(total, next + 1024); next < total; until = Math.min(total, until + 1024)) {
      const finished = flush(until);
      if (finished !== undefined) yield finished;
    }
  } finally {
    for (const buffer of shared) backend.free(buffer);
    executable.dispose();
  }
}

function wrongCount(ids: number, tokens: number): DdclError {
  return new DdclError('shape', `There are ${ids} segment ids but ${tokens} tokens; give one id per token.`);
}

/** The number of segments: the largest id + 1. */
function checkIds(ids: Int32Array): number {
  let largest = -1;
  ids.forEach((id, index) => {
    if (id < 0) throw new DdclError('argument', `Segment ids are whole numbers >= 0, but token ${index} has ${id}.`);
    if (id > largest) largest = id;
  });
  return largest + 1;
}
