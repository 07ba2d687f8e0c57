import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@ddcl/core';

/** Arrays as raw little-endian files, for a peer to read and to answer with. */
export interface SharedFolder {
  readonly path: string;
  write(arrays: Readonly<Record<string, Float32Array>>): void;
  floats(name: string): Float32Array;
  indices(name: string): Int32Array;
  remove(): void;
}

export function sharedFolder(): SharedFolder {
  const path = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
  const read = (name: string): ArrayBuffer => new Uint8Array(readFileSync(join(path, name))).buffer;
  return {
    path,
    write(arrays) {
      for (const [name, data] of Object.entries(arrays)) writeFileSync(join(path, name), data);
    },
    floats: (name) => new Float32Array(read(name)),
    indices: (name) => new Int32Array(read(name)),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Standard normal numbers. */
export function normals(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}
