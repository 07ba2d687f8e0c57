/** Milliseconds of work between two turns. */
const between = 50;

type Timer = (work: () => void, milliseconds: number) => unknown;

/**
 * Gives the event loop a turn now and then, for long work in which nothing else waits for the platform: without it neither a signal nor a
 * timer would be heard.
 *
 * @returns call it and wait for it where the work may pause; it mostly returns at once
 */
export function turnGiver(): () => Promise<void> {
  // Browsers, workers and Node have it; the types of none of them are part of this package.
  const { setTimeout: later } = globalThis as unknown as { readonly setTimeout: Timer };
  let last = Date.now();
  return async () => {
    if (Date.now() - last < between) return;
    await new Promise<void>((resolve) => void later(resolve, 0));
    last = Date.now();
  };
}
