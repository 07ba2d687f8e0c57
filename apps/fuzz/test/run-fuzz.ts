import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { FuzzResult } from '../src/run/fuzz-reader.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Runs `npm run fuzz` as it is built; gives what it printed as JSON, and its status. */
export function runFuzz(...args: string[]): Promise<{ readonly status: number; readonly printed: unknown }> {
  return new Promise((done, fail) => {
    execFile(process.execPath, [main, ...args, '--json'], { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code);
      if (status > 1 || stdout === '') fail(new Error(`status ${error?.code}: ${stderr}`));
      else done({ status, printed: JSON.parse(stdout) });
    });
  });
}

/** Nothing may be found, and some of the inputs have to be read: a reader that refuses everything would be safe too. */
export async function expectNoFindings(names: readonly string[], inputs: number, seed: number): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), 'ddcl-fuzz-test-'));
  try {
    const { printed } = await runFuzz(...names, '--inputs', String(inputs), '--seed', String(seed), '--out', out);
    const results = printed as FuzzResult[];
    expect(results.map(({ reader }) => reader)).toEqual(names);
    expect(results.flatMap(({ findings }) => findings)).toEqual([]);
    for (const { accepted, refused, reader } of results) {
      expect(accepted + refused, reader).toBe(inputs);
      expect(Math.min(accepted, refused), reader).toBeGreaterThan(inputs / 200);
    }
    expect(readdirSync(out)).toEqual([]);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
