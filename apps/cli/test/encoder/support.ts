import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@ddcl/core';
import { afterAll } from 'vitest';
import { writeTinyBert } from '../../../../tooling/tiny-bert/write-tiny-bert.ts';
import type { TinyBertOptions } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import type { EncodedDocument } from '../../src/encoder/encode-documents.ts';
import type { Encoder } from '../../src/encoder/open-encoder.ts';

/** A folder that is removed after the tests of a file. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ddcl-encoder-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A small encoder with random weights in a new folder. */
export async function tinyEncoder(options?: TinyBertOptions): Promise<string> {
  const folder = temporaryFolder();
  await writeTinyBert(folder, options);
  return folder;
}

const words = ['the', 'good', 'bad', 'film', 'music', 'river', 'stone', 'lights', 'unable', 'a', 'of', 'walking', '.'];

/** Texts of 1 to `most` words. */
export function texts(count: number, most: number, seed = 1): string[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () =>
    Array.from(
      { length: 1 + Math.floor(random.uniform() * most) },
      () => words[Math.floor(random.uniform() * words.length)],
    ).join(' '),
  );
}

export async function encodeAll(encoder: Encoder, list: readonly string[]): Promise<EncodedDocument[]> {
  const encoded: EncodedDocument[] = [];
  for await (const document of encoder.encode(list.map((text, index) => ({ text, place: `text ${index}` }))))
    encoded.push(document);
  return encoded;
}

export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let most = a.length === b.length ? 0 : Infinity;
  for (let index = 0; index < a.length; index++) most = Math.max(most, Math.abs(a[index]! - b[index]!));
  return most;
};
