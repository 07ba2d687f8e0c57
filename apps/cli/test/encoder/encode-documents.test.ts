import { describe, expect, it } from 'vitest';
import { encodeDocuments, type EncodeRun } from '../../src/encoder/encode-documents.ts';
import type { EncoderModel } from '../../src/encoder/encoder-session.ts';

const documents = [
  { text: 'abc', place: 't.jsonl line 1' },
  { text: 'a much longer one', place: 't.jsonl line 2' },
];

/** Ids are the characters of a text, and what the encoder and the tokenizer do comes from the test. */
function run(own: Partial<EncodeRun>): EncodeRun {
  return {
    session: {} as EncoderModel,
    tokenize: (text) => ({
      ids: Int32Array.from(text, (letter) => letter.charCodeAt(0)),
      special: Uint8Array.from(text, () => 0),
      truncated: false,
      empty: false,
    }),
    dropSpecial: false,
    batch: undefined,
    counts: { documents: 0, tokens: 0, truncated: 0, empty: 0 },
    signal: undefined,
    onProgress: undefined,
    skip: 0,
    ...own,
  } as EncodeRun;
}

const refusal = async (own: Partial<EncodeRun>): Promise<string> => {
  try {
    for await (const _ of encodeDocuments(documents, run(own)));
    return '';
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
};

describe('what encoder and tokenizer throw', () => {
  it('is one line that names the document with the largest token id', async () => {
    const session = {
      dimension: 2,
      run: () => Promise.reject(new Error('Gather: idx=122 out of range\n    at somewhere')),
    } as unknown as EncoderModel;
    // `u` of the second text is 117, and no letter of the first is above `c`.
    expect(await refusal({ session })).toMatch(
      /^data: t\.jsonl line 2 in a batch of 2: the encoder fails \(Gather: idx=122 out of range\)\. The largest token id is 117: /,
    );
  });

  it('names the text on which a tokenizer fails, and its length', async () => {
    const tokenize = (): never => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    expect(await refusal({ tokenize })).toBe(
      'data: t.jsonl line 1: the tokenizer fails on this text of 3 characters (Maximum call stack size exceeded). Cut the text, or leave it out.',
    );
  });
});

it('leaves out documents at the beginning: what follows has the batches, and so the numbers, that it has with them', async () => {
  // More than a window of 4,096 documents; a vector tells how long its batch is.
  const many = Array.from({ length: 4100 }, (_, index) => ({
    text: 'ab'.repeat(1 + (index % 3)),
    place: `line ${index}`,
  }));
  let batches = 0;
  const session = {
    dimension: 1,
    run: async (ids: readonly Int32Array[]) => {
      batches++;
      const length = Math.max(...ids.map((each) => each.length));
      return { length, data: new Float32Array(ids.length * length).fill(length) };
    },
  } as unknown as EncoderModel;
  const encoded = async (skip: number): Promise<[place: string, numbers: number[]][]> => {
    const all: [string, number[]][] = [];
    batches = 0;
    const counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
    for await (const { place, tokens } of encodeDocuments(many, run({ session, skip, counts })))
      all.push([place, [...tokens]]);
    expect(counts.documents).toBe(all.length);
    return all;
  };
  const whole = await encoded(0);
  expect(whole).toHaveLength(many.length);
  const own = batches;
  expect(await encoded(4000)).toEqual(whole.slice(4000));
  expect(batches).toBe(own);
  expect(await encoded(4098)).toEqual(whole.slice(4098));
  expect(batches).toBe(1);
  expect(await encoded(4100)).toEqual([]);
  expect(batches).toBe(0);
});
