import { createHash } from 'node:crypto';
import type { TokenReader } from '@ddcl/core/fit';
import { checkAborted } from '../data/data-error.ts';
import { createRowSpool } from '../data/row-spool.ts';

/** One vector per document. */
export interface DocumentMeans {
  readonly reader: TokenReader;
  /** Which document each row is, [rows]. */
  readonly documents: Int32Array;
  /** Frees memory or a temporary file. */
  close(): Promise<void>;
}

export interface DocumentMeansOptions {
  /** Whether a document without a direction (no tokens, or a mean of 0) has a row of zeros; else it has none. */
  readonly keepEmpty: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((documents: number) => void) | undefined;
}

/** Tokens that are read at once. */
const passRows = 4096;

/**
 * The mean token vector of each document, of length 1: sums in double precision, in one pass over the tokens.
 *
 * @param offsets tokens of document d are `offsets[d]` to `offsets[d + 1] - 1`
 * @throws DdclError `aborted`; as the reader does
 */
export async function documentMeans(
  reader: TokenReader,
  offsets: ArrayLike<number>,
  { keepEmpty, signal, onProgress }: DocumentMeansOptions,
): Promise<DocumentMeans> {
  const { dimension, tokens } = reader;
  const spool = createRowSpool(dimension, 'float32', createHash('sha256'));
  const documents: number[] = [];
  try {
    let sum = new Float64Array(dimension);
    let document = 0;
    const finishUntil = async (token: number): Promise<void> => {
      for (; document + 1 < offsets.length && offsets[document + 1]! <= token; document++) {
        const length = Math.hypot(...sum);
        if (length === 0 && !keepEmpty) continue;
        documents.push(document);
        if (spool.append(length === 0 ? sum : sum.map((value) => value / length))) await spool.flush();
        sum = new Float64Array(dimension);
      }
    };
    await finishUntil(0);
    for (let start = 0; start < tokens; start += passRows) {
      checkAborted(signal);
      const { data, rows } = await reader.read(start, Math.min(passRows, tokens - start));
      for (let row = 0; row < rows; row++) {
        const first = row * dimension;
        for (let axis = 0; axis < dimension; axis++) sum[axis]! += data[first + axis]!;
        if (offsets[document + 1] === start + row + 1) await finishUntil(start + row + 1);
      }
      onProgress?.(document);
    }
    return { reader: await spool.finish(), documents: Int32Array.from(documents), close: () => spool.close() };
  } catch (error) {
    await spool.close();
    throw error;
  }
}
