import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openEncoder } from '@ddcl/cli/dist/encoder/open-encoder.js';
import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';
import { sentences, windows, type Span } from '@ddcl/hier';
import { pieceSpans } from './piece-spans.ts';

/** A long document with its tokens, and its sentences as queries. */
export interface LongText {
  readonly subject: string;
  readonly text: string;
  /** [tokens, m] */
  readonly tokens: Float32Array;
  readonly dimension: number;
  /** Of each token in the text. */
  readonly spans: readonly Span[];
  /** [query tokens, m], one sentence after another. */
  readonly queries: Float32Array;
  /** Bounds of the sentences in `queries`. */
  readonly offsets: readonly number[];
}

/** Beginnings of the subjects of the documents: FAQs and listings, of which each is about something else. The first four are those of the first table. */
const subjects = [
  'Electrical wiring FAQ',
  'rec.sport.hockey Frequently Asked Questions',
  'comp.windows.x.intrinsics Frequently Asked Questions',
  'JPEG image compression: Frequently Asked Questions',
  'JPL Info Summary',
  'Privacy & Anonymity on the Internet FAQ (3 of 3)',
  'OPEN LOOK GUI frequently asked questions',
  'Introductory Macintosh frequently asked questions',
] as const;

/** Words of a window that goes through the encoder at once, which has room for 256 tokens. */
const windowWords = 90;

interface Message {
  readonly subject: string;
  readonly text: string;
}

/**
 * The first tokens of long messages of 20 Newsgroups, in windows of words, and their sentences of 5 to 60 words, each encoded alone.
 *
 * @param data folder of 20 Newsgroups
 * @param cache folder for what was encoded
 * @throws DdclError `data` for a message that is not there
 */
export async function longTexts(
  { data, encoder, cache, tokens: wanted }: { data: string; encoder: string; cache: string; tokens: number },
  say: (text: string) => void,
): Promise<LongText[]> {
  await mkdir(cache, { recursive: true });
  const found: LongText[] = [];
  let messages: Message[] | undefined;
  for (const [index, subject] of subjects.entries()) {
    const file = join(cache, `${wanted}-${index}.safetensors`);
    if (!existsSync(file)) {
      messages ??= readMessages(data);
      // The longest of those that begin alike.
      const [message] = messages
        .filter((each) => each.subject.startsWith(subject))
        .sort((a, b) => b.text.length - a.text.length);
      if (message === undefined)
        throw new DdclError('data', `${data} has no message '${subject}'. Give the folder of 20 Newsgroups.`);
      await writeFile(file, await encode(message, encoder, wanted));
    }
    found.push(fromFile(file));
    const { tokens, dimension, offsets } = found.at(-1)!;
    say(`${subject}: ${tokens.length / dimension} tokens, ${offsets.length - 1} sentences`);
  }
  return found;
}

const readMessages = (data: string): Message[] =>
  ['train', 'test'].flatMap((part) =>
    gunzipSync(readFileSync(join(data, `${part}.jsonl.gz`)))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Message),
  );

async function encode({ subject, text }: Message, folder: string, wanted: number): Promise<Uint8Array> {
  const encoder = await openEncoder({ encoder: folder, maxTokens: 256, dropSpecial: true });
  try {
    const blocks: Float32Array[] = [];
    const spans: Span[] = [];
    let end = 0;
    for (const window of windows(text, { window: windowWords })) {
      if (spans.length >= wanted) break;
      const part = text.slice(window.start, window.end);
      for await (const { tokens } of encoder.encode([{ text: part, place: subject }])) blocks.push(tokens);
      const { pieces } = encoder.pieces(part);
      for (const span of pieceSpans(part, pieces))
        spans.push({ start: window.start + span.start, end: window.start + span.end });
      end = window.end;
    }
    if (spans.length < wanted)
      throw new DdclError('data', `'${subject}' has ${spans.length} tokens, but ${wanted} were asked for.`);
    const kept = text.slice(0, spans[wanted - 1]?.end ?? end);
    const asked = sentences(kept)
      .map((span) => kept.slice(span.start, span.end).trim())
      .filter((sentence) => {
        const words = sentence.split(/\s+/).length;
        return words >= 5 && words <= 60 && /\p{L}/u.test(sentence);
      });
    const queries: Float32Array[] = [];
    for await (const { tokens } of encoder.encode(asked.map((sentence) => ({ text: sentence, place: subject }))))
      queries.push(tokens);
    const { dimension } = encoder;
    const offsets = [0];
    for (const query of queries) offsets.push(offsets.at(-1)! + query.length / dimension);
    const all = joined(blocks).subarray(0, wanted * dimension);
    return writeSafetensors(
      new Map([
        ['tokens', { dtype: 'F32', shape: [wanted, dimension], data: all }],
        ['queries', { dtype: 'F32', shape: [offsets.at(-1)!, dimension], data: joined(queries) }],
        ['offsets', { dtype: 'I32', shape: [offsets.length], data: Int32Array.from(offsets) }],
        [
          'spans',
          {
            dtype: 'I32',
            shape: [wanted, 2],
            data: Int32Array.from(spans.slice(0, wanted).flatMap(({ start, end: to }) => [start, to])),
          },
        ],
      ]),
      { subject, text: kept },
    );
  } finally {
    await encoder.dispose();
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function fromFile(file: string): LongText {
  const { tensors, metadata } = readSafetensors(readFileSync(file));
  const spans = tensors.get('spans')!.data as Int32Array;
  return {
    subject: metadata['subject']!,
    text: metadata['text']!,
    tokens: tensors.get('tokens')!.data as Float32Array,
    dimension: tensors.get('tokens')!.shape[1]!,
    spans: Array.from({ length: spans.length / 2 }, (_, token) => ({
      start: spans[2 * token]!,
      end: spans[2 * token + 1]!,
    })),
    queries: tensors.get('queries')!.data as Float32Array,
    offsets: [...(tensors.get('offsets')!.data as Int32Array)],
  };
}
