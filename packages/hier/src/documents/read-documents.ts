import { DdclError } from '@ddcl/core';
import { firstNonFinite, type AbortSignalLike } from '@ddcl/core/fit';
import { createHash } from '../hash/hash.ts';
import type { EncoderIdentity } from '../spec/spec.ts';
import type { DocumentBlock, DocumentSource } from './document-source.ts';

/** One document of a block. */
export interface ReadDocument {
  readonly id: string;
  /** Its tokens, [n, m]; a view that is valid until the next document is asked for. */
  readonly tokens: Float32Array | Float64Array;
  /** n. */
  readonly length: number;
  /** Of its tokens and groups, whatever it is called and wherever it stands. */
  readonly key: number;
  /** Numbers of tokens of its groups of a name. @throws DdclError `data` where it has none, or they do not sum to its length */
  group(name: string): ArrayLike<number>;
}

/** What is told of a pass, and what ends it. */
export interface ReadOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Called after each block with the documents and tokens passed so far. */
  readonly onProgress?: ((documents: number, tokens: number) => void) | undefined;
}

/** Blocks are worked on in turns, so that a browser's page stays alive; documents of one block without a pause. */
export async function* readDocuments(
  source: DocumentSource,
  { signal, onProgress }: ReadOptions = {},
): AsyncGenerator<readonly ReadDocument[]> {
  const { dimension } = source;
  let [documents, tokens] = [0, 0];
  for await (const block of source.blocks()) {
    if (signal?.aborted === true) throw new DdclError('aborted', 'The pass over documents was aborted.');
    checkBlock(block, dimension, documents);
    yield documentsOf(block, dimension);
    documents += block.ids.length;
    tokens += block.data.length / dimension;
    onProgress?.(documents, tokens);
  }
}

function documentsOf({ ids, data, lengths, groups }: DocumentBlock, dimension: number): ReadDocument[] {
  let first = 0;
  const names = Object.keys(groups ?? {}).sort();
  return ids.map((id, index) => {
    const length = lengths[index]!;
    const tokens = data.subarray(first * dimension, (first + length) * dimension);
    first += length;
    let key: number | undefined;
    return {
      id,
      tokens,
      length,
      get key() {
        if (key === undefined) {
          const hash = createHash();
          hash.add(tokens);
          for (const name of names) {
            const own = groups?.[name]?.[index];
            if (own === undefined) continue;
            hash.add(name);
            hash.add(Float64Array.from(own));
          }
          key = hash.key();
        }
        return key;
      },
      group(name) {
        const own = groups?.[name]?.[index];
        if (own === undefined) {
          throw new DdclError(
            'data',
            `Document '${id}' has no boundaries named '${name}', which a level gathers by. Give groups.${name}, or leave out group for whole documents.`,
          );
        }
        let total = 0;
        for (let part = 0; part < own.length; part++) total += own[part]!;
        if (total === length) return own;
        throw new DdclError(
          'data',
          `Groups '${name}' of document '${id}' have ${total} tokens together, but it has ${length}. Give the number of tokens of each group.`,
        );
      },
    };
  });
}

function checkBlock({ ids, data, lengths }: DocumentBlock, dimension: number, before: number): void {
  if (ids.length !== lengths.length) {
    throw new DdclError(
      'shape',
      `A block has ${ids.length} ids but ${lengths.length} lengths. Give both per document.`,
    );
  }
  let tokens = 0;
  for (let index = 0; index < lengths.length; index++) {
    const length = lengths[index]!;
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new DdclError('data', `Document '${ids[index]}' has ${length} tokens; expected a whole number >= 0.`);
    }
    tokens += length;
  }
  if (tokens * dimension !== data.length) {
    throw new DdclError(
      'shape',
      `The documents of a block have ${tokens} tokens of dimension ${dimension}, which are ${tokens * dimension} numbers, but ${data.length} came.`,
    );
  }
  const bad = firstNonFinite(data);
  if (bad < 0) return;
  let [index, token] = [0, Math.floor(bad / dimension)];
  while (token >= lengths[index]!) token -= lengths[index++]!;
  throw new DdclError(
    'data',
    `Tokens must be finite, but token ${token} of document '${ids[index]}' (number ${before + index}) holds ${data[bad]}. Mend it or leave the document out.`,
  );
}

/** @throws DdclError `data` for documents of another encoder, `shape` for tokens of another length */
export function requireSameTokens(
  expected: { readonly dimension: number; readonly encoder?: EncoderIdentity | undefined },
  source: DocumentSource,
): void {
  if (source.dimension !== expected.dimension) {
    throw new DdclError(
      'shape',
      `The model takes tokens of dimension ${expected.dimension}, but the documents have ${source.dimension}. Use the encoder that it was fitted with.`,
    );
  }
  const [own, other] = [expected.encoder, source.encoder];
  if (own === undefined || other === undefined || own.hash === other.hash) return;
  throw new DdclError(
    'data',
    `The model was fitted with the encoder ${own.name} (${own.hash}), but the documents come from ${other.name} (${other.hash}). Use the same encoder.`,
  );
}
