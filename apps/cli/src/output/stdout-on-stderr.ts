/** Does work whose modules may write to stdout, where a command's result goes alone: meanwhile that comes on stderr. */
export async function withStdoutOnStderr<Result>(work: () => Promise<Result>): Promise<Result> {
  const { write } = process.stdout;
  process.stdout.write = ((...written: Parameters<typeof write>) => process.stderr.write(...written)) as typeof write;
  try {
    return await work();
  } finally {
    process.stdout.write = write;
  }
}
