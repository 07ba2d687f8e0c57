import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CertificateRecord } from '../../src/layers.ts';

const run = promisify(execFile);

/** What an example prints: one of accuracy and errors, some predictions, and what the certificate found. */
export interface ExampleOutput {
  readonly accuracy?: number;
  readonly error?: number;
  readonly errorToClean?: number;
  readonly predictions: readonly number[];
  readonly records: readonly CertificateRecord[];
}

/** Runs an example in a process of its own, as its users do. */
export async function runExample(name: string, args: readonly string[], seed = 0): Promise<ExampleOutput> {
  const file = fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url));
  const { stdout } = await run(process.execPath, [file, ...args], { env: { ...process.env, SEED: String(seed) } });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as ExampleOutput;
}
