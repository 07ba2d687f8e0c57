import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { requireWhole } from '../checks/require.ts';
import type { EncoderIdentity } from '../spec/spec.ts';
import type { DocumentBlock, DocumentSource } from './document-source.ts';

/** Numbers of a block, about. */
const blockNumbers = 1 << 20;

/** Documents in memory. */
export interface DocumentArrays {
  /** Tokens of all documents, one after the other, row-major. Kept, not copied. */
  readonly data: Float32Array | Float64Array;
  /** Length m of a token. */
  readonly dimension: number;
  /** Tokens of each document; left out, each token is a document. */
  readonly lengths?: Int32Array | readonly number[];
  /** Left out, documents are numbered from 0. */
  readonly ids?: readonly string[];
  readonly groups?: DocumentBlock['groups'];
  readonly encoder?: EncoderIdentity;
}

/** @throws DdclError `shape` for numbers of tokens, names or groups that do not fit; `data` for an id that comes twice; `dtype` for numbers that are neither float32 nor float64 */
export function documentsFromArrays({ data, dimension, groups, encoder, ...given }: DocumentArrays): DocumentSource {
  requireWhole('dimension', dimension, 1);
  requireFloats(data, 'Tokens of documents');
  const tokens = data.length / dimension;
  const { lengths = new Int32Array(Math.floor(tokens)).fill(1) } = given;
  const { ids = Array.from(lengths, (_, index) => String(index)) } = given;
  let total = 0;
  for (const length of lengths) total += length;
  if (total !== tokens) {
    throw new DdclError(
      'shape',
      `${data.length} numbers are ${tokens} tokens of dimension ${dimension}, but the documents have ${total}. Give the number of tokens of each document.`,
    );
  }
  if (ids.length !== lengths.length) {
    throw new DdclError(
      'shape',
      `There are ${lengths.length} documents but ${ids.length} ids. Give one id per document.`,
    );
  }
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) throw new DdclError('data', `Two documents have the id '${id}'. Give each its own.`);
    seen.add(id);
  }
  for (const [name, of] of Object.entries(groups ?? {})) {
    if (of.length !== lengths.length) {
      throw new DdclError(
        'shape',
        `There are ${lengths.length} documents, but groups.${name} is of ${of.length}. Give one list of groups per document.`,
      );
    }
  }
  return {
    dimension,
    documents: lengths.length,
    encoder,
    async *blocks() {
      let [first, token] = [0, 0];
      while (first < lengths.length) {
        let [end, until] = [first, token];
        while (end < lengths.length && (end === first || (until + lengths[end]! - token) * dimension <= blockNumbers))
          until += lengths[end++]!;
        yield {
          ids: ids.slice(first, end),
          data: data.subarray(token * dimension, until * dimension),
          lengths: lengths.slice(first, end),
          ...(groups !== undefined && {
            groups: Object.fromEntries(Object.entries(groups).map(([name, of]) => [name, of.slice(first, end)])),
          }),
        };
        [first, token] = [end, until];
      }
    },
  };
}
