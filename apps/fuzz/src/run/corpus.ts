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
  readonly outcome: 'accepted' | 'refused' | Finding;
}

/** Reads an input once more, in a thread of its own. */
export async function replay(reader: string, file: string): Promise<Replayed> {
  const counts = { accepted: 0, refused: 0 };
  let found: Finding | undefined;
  const given = Uint8Array.from(readFileSync(file));
  await runInputs({ reader, seed: 0, first: 0, end: 1, given }, counts, ({ finding }) => (found = finding));
  return { reader, file, outcome: found ?? (counts.accepted > 0 ? 'accepted' : 'refused') };
}

/** Reads the whole corpus once more, or that of some readers. */
export async function replayCorpus(only: readonly string[]): Promise<Replayed[]> {
  const replayed: Replayed[] = [];
  for (const reader of readdirSync(corpusFolder).sort()) {
    if (only.length > 0 && !only.includes(reader)) continue;
    for (const name of readdirSync(join(corpusFolder, reader)).sort())
      replayed.push(await replay(reader, join(corpusFolder, reader, name)));
  }
  return replayed;
}
