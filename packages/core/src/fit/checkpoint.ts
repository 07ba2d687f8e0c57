import { checksumOf, malformed, parseProgress } from './check-checkpoint.ts';
import type { FloatDType } from '../program/dtype.ts';
import { readSafetensors } from '../safetensors/read-safetensors.ts';
import type { SafetensorsTensor } from '../safetensors/tensor.ts';
import { writeSafetensors } from '../safetensors/write-safetensors.ts';
import type { HistoryRecord } from './history.ts';
import type { FitIdentity } from './identity.ts';

/** The best restart so far. */
export interface BestRestart {
  readonly restart: number;
  /** Hard error per unit of token weight on all tokens. */
  readonly hard: number;
  /** Framed prototypes [K, m]. */
  readonly prototypes: Float64Array;
}

/** Everything a fit needs to go on where it stopped. */
export interface FitCheckpoint {
  /** Of options and of tokens; a fit resumes only from a checkpoint with the same. */
  readonly identity: FitIdentity;
  readonly tokens: FitIdentity;
  readonly restart: number;
  /** Steps made in this restart. */
  readonly step: number;
  /** Hard error of each finished restart. */
  readonly finished: readonly number[];
  readonly history: readonly HistoryRecord[];
  readonly stopping: StoppingState;
  readonly best: BestRestart | undefined;
  readonly dtype: FloatDType;
  /** Framed prototypes [K, m] and the optimiser's state, each [K, m] or [K]; empty between restarts. */
  readonly state: readonly (Float32Array | Float64Array)[];
  readonly shape: readonly [number, number];
}

/** Where the refinement stands. */
export interface StoppingState {
  /** L_q before the last pass. */
  readonly lq: number | null;
  /** Whether it has converged. */
  readonly isDone: boolean;
}

const formatVersion = '4';

/** A checkpoint as a safetensors file: `state.0`... and `best`, and in the metadata the rest and a checksum of all. */
export function checkpointToBytes(checkpoint: FitCheckpoint): Uint8Array {
  const { state, best, shape, dtype, ...rest } = checkpoint;
  const tensors = new Map<string, SafetensorsTensor>();
  state.forEach((data, index) => {
    const isWhole = data.length === shape[0] * shape[1];
    tensors.set(`state.${index}`, {
      dtype: dtype === 'float32' ? 'F32' : 'F64',
      shape: isWhole ? shape : [data.length],
      data,
    });
  });
  if (best !== undefined) tensors.set('best', { dtype: 'F64', shape, data: best.prototypes });
  const bestNote = best === undefined ? null : { restart: best.restart, hard: best.hard };
  const progress = JSON.stringify({ ...rest, best: bestNote, dtype, shape, slots: state.length });
  const checksum = checksumOf(progress, tensors);
  return writeSafetensors(tensors, { format: 'ddcl.checkpoint', formatVersion, progress, checksum });
}

/** @throws DdclError `format` for bytes that are not a checkpoint of this version, or were changed since it was written */
export function checkpointFromBytes(bytes: Uint8Array): FitCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const { format, formatVersion: version, progress = '', checksum } = metadata;
  if (format !== 'ddcl.checkpoint' || version !== formatVersion)
    throw malformed(`This is not a ddcl checkpoint of format version ${formatVersion}`);
  if (checksum !== checksumOf(progress, tensors))
    throw malformed('The checkpoint is not as a fit wrote it: its checksum does not fit what it holds');
  const { best: note, slots, ...rest } = parseProgress(progress);
  const [count, dimension] = rest.shape;
  const isFloat = rest.dtype === 'float32' ? 'F32' : 'F64';
  const read = (name: string, dtype: string, shapes: readonly string[]): Float32Array | Float64Array => {
    const tensor = tensors.get(name);
    const data = tensor?.data;
    const isArray = data instanceof Float32Array || data instanceof Float64Array;
    if (isArray && tensor!.dtype === dtype && shapes.includes(tensor!.shape.join()) && data.every(Number.isFinite))
      return data;
    throw malformed(`The checkpoint lacks its tensor ${name}, or it is of another shape or not finite`);
  };
  const whole = `${count},${dimension}`;
  // What an optimiser keeps is of each number or of each prototype.
  const state = Array.from({ length: slots }, (_, index) =>
    read(`state.${index}`, isFloat, index === 0 ? [whole] : [whole, `${count}`]),
  );
  const best = note === null ? undefined : { ...note, prototypes: Float64Array.from(read('best', 'F64', [whole])) };
  if (tensors.size === slots + Number(note !== null)) return { ...rest, state, best };
  throw malformed('The checkpoint has tensors that no fit writes');
}

/**
 * Which fit a checkpoint is of, as `fitIdentity` gives it, before any token is read.
 *
 * @throws DdclError `format` for bytes that are not a checkpoint of this version
 */
export function checkpointIdentity(bytes: Uint8Array): FitIdentity {
  return checkpointFromBytes(bytes).identity;
}
