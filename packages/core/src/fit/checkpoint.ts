import { DdclError } from '../errors/ddcl-error.ts';
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

const formatVersion = '3';

/** A checkpoint as a safetensors file: `state.0`... and `best`, and the rest in the metadata. */
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
  return writeSafetensors(tensors, { format: 'ddcl.checkpoint', formatVersion, progress });
}

/** @throws DdclError `format` for bytes that are not a checkpoint of this version */
export function checkpointFromBytes(bytes: Uint8Array): FitCheckpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const { progress } = metadata;
  if (
    metadata['format'] !== 'ddcl.checkpoint' ||
    metadata['formatVersion'] !== formatVersion ||
    progress === undefined
  ) {
    throw new DdclError(
      'format',
      `This is not a ddcl checkpoint of format version ${formatVersion}. Start the fit afresh, without resuming.`,
    );
  }
  const { best: bestNote, slots, ...rest } = parseProgress(progress);
  const read = (name: string): Float32Array | Float64Array => {
    const data = tensors.get(name)?.data;
    if (data instanceof Float32Array || data instanceof Float64Array) return data;
    throw new DdclError('format', `The checkpoint lacks its tensor ${name}. Start the fit afresh, without resuming.`);
  };
  return {
    ...rest,
    state: Array.from({ length: slots }, (_, index) => read(`state.${index}`)),
    best: bestNote === null ? undefined : { ...bestNote, prototypes: Float64Array.from(read('best')) },
  };
}

/**
 * Which fit a checkpoint is of, as `fitIdentity` gives it, before any token is read.
 *
 * @throws DdclError `format` for bytes that are not a checkpoint of this version
 */
export function checkpointIdentity(bytes: Uint8Array): FitIdentity {
  return checkpointFromBytes(bytes).identity;
}

type Progress = Omit<FitCheckpoint, 'state' | 'best'> & {
  best: { restart: number; hard: number } | null;
  slots: number;
};

function parseProgress(text: string): Progress {
  try {
    const progress = JSON.parse(text) as Progress;
    const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null;
    if (isRecord(progress.identity) && isRecord(progress.tokens) && Array.isArray(progress.history)) return progress;
  } catch {
    // Reported below.
  }
  throw new DdclError(
    'format',
    'The progress of this checkpoint cannot be read. Start the fit afresh, without resuming.',
  );
}
