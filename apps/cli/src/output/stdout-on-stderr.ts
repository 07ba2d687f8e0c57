/** Pieces of work that go on now, and what stdout wrote with before the first of them. */
let working = 0;
let write: typeof process.stdout.write;

/**
 * Does work whose modules may write to stdout, where a command's result goes alone: meanwhile that comes on stderr. Several may go on at
 * once; stdout is itself again when the last one ends.
 */
export async function withStdoutOnStderr<Result>(work: () => Promise<Result>): Promise<Result> {
  if (working++ === 0) {
    ({ write } = process.stdout);
    process.stdout.write = ((...written: Parameters<typeof write>) => process.stderr.write(...written)) as typeof write;
  }
  try {
    return await work();
  } finally {
    if (--working === 0) process.stdout.write = write;
  }
}
