/** What tells whether a file is the one that it was: where it lies, its size, and when it was last written (nanoseconds). Of a `BigIntStats`. */
export interface FileState {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** What became of a file between two looks, for a message; undefined where nothing did. */
export function changeOf(before: FileState, now: FileState): string | undefined {
  if (now.dev !== before.dev || now.ino !== before.ino) return 'another file has its name now';
  if (now.size !== before.size) return `it had ${before.size} bytes and has ${now.size} now`;
  return now.mtimeNs === before.mtimeNs ? undefined : 'it was written to and has the same length';
}
