import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

/** An input that was not read as it must be, with what makes it again. */
export interface KeptFinding extends Finding {
  readonly reader: string;
  readonly seed: number;
  readonly index: number;
  /** Findings of the same cause in this run. */
  times: number;
}

/** Writes an input as `READER-SEED-INDEX.bin`, and beside it as JSON what is wrong with it. */
export async function writeFinding(folder: string, finding: KeptFinding, bytes: Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${finding.reader}-${finding.seed}-${finding.index}`);
  await writeFile(`${path}.bin`, bytes);
  const { times: _times, ...about } = finding;
  await writeFile(`${path}.json`, `${JSON.stringify(about, null, 2)}\n`);
  return `${path}.bin`;
}
