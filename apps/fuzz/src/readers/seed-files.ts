import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Files of `seeds`, for formats that other programs write. */
export function seedFiles(kind: string): Uint8Array[] {
  const folder = new URL(`../../seeds/${kind}/`, import.meta.url);
  return readdirSync(folder)
    .sort()
    .map((name) => Uint8Array.from(readFileSync(fileURLToPath(new URL(name, folder)))));
}
