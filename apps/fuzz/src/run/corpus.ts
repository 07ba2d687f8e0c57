import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.ts';
import { runInputs } from './run-inputs.ts';

/** Inputs that were once not read as they must be, in a folder of each reader's name. */
export const corpusFolder: string = fileURLToPath(new URL('../../corpus/', import.meta.url));

export interface Replayed {
  readonly reader: string;
  readonly file: string;
  readonly outcome: 'as it must be' | Finding;
}

/** Reads inputs once more. @param files of one reader */
export async function replay(reader: string, files: readonly string[]): Promise<Replayed[]> {
  const counts = { accepted: 0, refused: 0 };
  const found = new Map<number, Finding>();
  const given = files.map((file) => Uint8Array.from(readFileSync(file)));
  const inputs = { reader, seed: 0, first: 0, end: files.length, given };
  await runInputs(inputs, counts, ({ index, finding }) => void found.set(index, finding));
  return files.map((file, index) => ({ reader, file, outcome: found.get(index) ?? 'as it must be' }));
}

/** Reads the whole corpus once more, or that of some readers. */
export async function replayCorpus(only: readonly string[]): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  for (const reader of readdirSync(corpusFolder).sort()) {
    if (only.length > 0 && !only.includes(reader)) continue;
    const names = readdirSync(join(corpusFolder, reader)).sort();
    replayed.push(
      ...(await replay(
        reader,
        names.map((name) => join(corpusFolder, reader, name)),
      )),
    );
  }
  return replayed;
}
