import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { isDdclError, type DdclErrorCode } from '@ddcl/core';
import { openData, type DataOptions } from '../../src/data/open-data.ts';

/** A folder of one test file, removed after its tests. */
export function testFolder(): { readonly path: string; write(name: string, content: string | Uint8Array): string } {
  const path = mkdtempSync(join(tmpdir(), 'ddcl-data-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
  };
}

export type PartialOptions = Partial<DataOptions>;

/** Everything that was opened, as plain arrays; float64 unless said otherwise. */
export async function readAll(
  files: string | readonly string[],
  options: PartialOptions = {},
): Promise<{
  rows: number[][];
  columns: readonly string[] | undefined;
  labels: readonly string[] | undefined;
  fingerprint: string;
}> {
  const opened = await openData(typeof files === 'string' ? [files] : files, { dtype: 'float64', ...options });
  try {
    const { tokens, dimension } = opened.reader;
    const { data, rows } = await opened.reader.read(0, tokens);
    const all = Array.from({ length: rows }, (_, row) => [...data.subarray(row * dimension, (row + 1) * dimension)]);
    return {
      rows: all,
      columns: opened.columns,
      labels: opened.labels && Array.from({ length: tokens }, (_, row) => opened.labels!.at(row)!),
      fingerprint: opened.fingerprint,
    };
  } finally {
    await opened.close();
  }
}

/** `code: message` of the DdclError that a promise is rejected with, without the folder's path; checked to be one line. */
export async function refusal(promise: Promise<unknown>, folder = ''): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (!isDdclError(error)) throw error;
    if (error.message.includes('\n'))
      throw new Error(`the message has several lines: ${error.message}`, { cause: error });
    const code: DdclErrorCode = error.code;
    return `${code}: ${error.message.replaceAll(`${folder}/`, '')}`;
  }
  return 'nothing thrown';
}
