import { DdclError, isDdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { normalizeVectors } from '../numbers/normalize-vectors.ts';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { poolSequence, poolingKinds, type PoolingKind } from './pool-sequence.ts';

export interface PoolOptions {
  /** Whether each vector gets length 1; zeros stay zeros. Default false. */
  readonly normalize?: boolean;
}

export interface PooledSequences {
  /** `shape` [S, m], in the order of the sequences. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** Sequences in which no token takes part; their vectors are zeros. */
  readonly empty: number;
}

/**
 * One vector for each sequence, as {@link poolSequence}; computed in float64, rounded at the end.
 *
 * @throws DdclError `argument` for an unknown kind; `data` for tokens or weights that cannot be used, naming the sequence
 */
export async function poolSequences(
  reader: SequenceReader,
  kind: PoolingKind,
  { normalize = false }: PoolOptions = {},
): Promise<PooledSequences> {
  if (!poolingKinds.includes(kind)) {
    throw new DdclError('argument', `Pooling is one of ${poolingKinds.join(', ')}, but ${String(kind)} came.`);
  }
  const { dimension, sequences } = reader;
  const data = new Float32Array(sequences * dimension);
  const pooled = new Float64Array(dimension);
  let empty = 0;
  for (let sequence = 0; sequence < sequences; sequence++) {
    const { data: tokens, rows, weights } = await reader.read(sequence);
    requireFloats(tokens, `Tokens of sequence ${sequence} (counted from 0)`);
    try {
      // A reader may give longer arrays than the sequence needs.
      poolSequence(kind, tokens.subarray(0, rows * dimension), rows, dimension, weights?.subarray(0, rows), pooled);
    } catch (error) {
      if (!isDdclError(error)) throw error;
      throw new DdclError(error.code, `Sequence ${sequence} (counted from 0): ${error.message}`, { cause: error });
    }
    if (rows === 0 || weights?.subarray(0, rows).every((weight) => weight === 0) === true) empty++;
    if (normalize) normalizeVectors(pooled, dimension);
    data.set(pooled, sequence * dimension);
  }
  return { data, shape: [sequences, dimension], empty };
}
