import { DdclError } from '@ddcl/core';
import { perplexity } from '@ddcl/core/metrics';
import type { Readout } from '@ddcl/readout';
import type { Explanation, ShownDocument } from './explanation.ts';
import { PrototypeNotes } from './prototype-notes.ts';
import { joinPieces, type Words } from './words.ts';

/** A document with its tokens. */
export interface ReadDocument {
  readonly place: string;
  readonly label?: string;
  /** As in the vocabulary, one for each token. */
  readonly pieces: readonly string[];
  /** 1 for tokens that the tokenizer put around the text. */
  readonly special: ArrayLike<number>;
  /** [pieces, m] */
  readonly tokens: Float32Array;
}

export interface GatherOptions {
  /** Passages per prototype. */
  readonly examples: number;
  /** Words per prototype. */
  readonly words: number;
  /** Documents that are shown whole: the first ones with a token. */
  readonly shown: number;
  /** Documents there are, if not all of them are given. */
  readonly total?: number;
  readonly onProgress?: (documents: number) => void;
}

/**
 * Looks at the assignments of all tokens; memory is that of a document, the words seen, and what is kept.
 *
 * @throws DdclError `data` if there is no token; as `Readout.encode`
 */
export async function gatherExplanation(
  readout: Readout,
  documents: AsyncIterable<ReadDocument>,
  { examples, words: mostWords, shown: mostShown, total, onProgress }: GatherOptions,
): Promise<Explanation> {
  const { count, dimension, temperature, criticalTemperature } = readout.model;
  const notes = Array.from({ length: count }, () => new PrototypeNotes(examples));
  const shown: ShownDocument[] = [];
  let [number, tokens, entropy] = [0, 0, 0];
  for await (const document of documents) {
    const length = document.pieces.length;
    if (length > 0) {
      const batch = { data: document.tokens, shape: [length, dimension] };
      const { assignments } = await readout.encode(batch, { outputs: ['assignments'] });
      const q = assignments.data as Float32Array;
      const words = joinPieces(document.pieces, document.special);
      for (let token = 0; token < length; token++) {
        entropy += addToken(readout, notes, document, number, words, token, q);
      }
      tokens += length;
      if (shown.length < mostShown) shown.push(showDocument(document, words, q, count));
    }
    number++;
    onProgress?.(number);
  }
  if (tokens === 0) throw new DdclError('data', 'The texts have no token to look at. Give texts with words.');
  const prototypes = notes
    .map((note, prototype) => note.explain(prototype, tokens, mostWords))
    .sort((a, b) => b.share - a.share || a.prototype - b.prototype);
  return {
    documents: number,
    ofDocuments: total ?? number,
    tokens,
    dimension,
    temperature,
    criticalTemperature,
    entropy: entropy / tokens,
    perplexity: perplexity(prototypes.map(({ share }) => share)),
    prototypes,
    shown,
  };
}

/** Notes one token; returns the entropy of its assignments. */
function addToken(
  { model }: Readout,
  notes: readonly PrototypeNotes[],
  { tokens, place }: ReadDocument,
  document: number,
  words: Words,
  token: number,
  q: Float32Array,
): number {
  const { count, dimension, prototypes } = model;
  let best = 0;
  let entropy = 0;
  for (let k = 0; k < count; k++) {
    const own = q[token * count + k]!;
    if (own > q[token * count + best]!) best = k;
    if (own > 0) entropy -= own * Math.log(own);
    notes[k]!.addMass(own);
  }
  let distance = 0;
  for (let axis = 0; axis < dimension; axis++)
    distance += (tokens[token * dimension + axis]! - prototypes[best * dimension + axis]!) ** 2;
  notes[best]!.add(words, token, q[token * count + best]!, distance, document, place);
  return entropy;
}

function showDocument(
  { place, label, special }: ReadDocument,
  { texts, joined }: Words,
  q: Float32Array,
  count: number,
): ShownDocument {
  return {
    place,
    label,
    tokens: texts.map((text, token) => ({
      text,
      joined: joined[token]!,
      special: special[token] !== 0,
      assignments: Array.from({ length: count }, (_, k) => [k, q[token * count + k]!] as const)
        .sort(([, a], [, b]) => b - a)
        .slice(0, 3)
        .filter(([, own]) => own >= 0.01),
    })),
  };
}
