import { throwIfAborted, type AbortSignalLike } from './abort-signal.ts';
import type { Pieces } from './pieces.ts';

/** Milliseconds of work between two turns. */
const between = 25;

interface Channel {
  readonly port1: { addEventListener(event: 'message', listener: () => void): void; start(): void; close(): void };
  readonly port2: { postMessage(message: unknown): void };
}

/** What platforms have of these; the types of none of them are part of this package. */
interface Platform {
  readonly setImmediate?: (work: () => void) => unknown;
  readonly MessageChannel?: new () => Channel;
  readonly setTimeout: (work: () => void, milliseconds: number) => unknown;
}

/**
 * Gives the event loop a turn now and then, for long work in which nothing else waits for the platform: without it neither a signal nor a
 * timer would be heard.
 *
 * @returns call it and wait for it where the work may pause; it mostly returns nothing, at once
 */
export function turnGiver(): () => Promise<void> | undefined {
  let last = Date.now();
  return () => {
    if (Date.now() - last < between) return undefined;
    return new Promise<void>((resolve) => {
      nextTurn(() => {
        last = Date.now();
        resolve();
      });
    });
  };
}

/**
 * The result of work in pieces, with turns of the event loop between them.
 *
 * @throws DdclError `aborted` once the signal has fired
 */
export async function inTurns<Result>(work: Pieces<Result>, signal: AbortSignalLike | undefined): Promise<Result> {
  const turn = turnGiver();
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    const taken = turn();
    if (taken === undefined) continue;
    await taken;
    throwIfAborted(signal);
  }
}

/** Calls after what waits now: timers, input. */
function nextTurn(work: () => void): void {
  const { setImmediate, MessageChannel, setTimeout } = globalThis as unknown as Platform;
  if (setImmediate !== undefined) setImmediate(work);
  else if (MessageChannel === undefined) setTimeout(work, 0);
  else {
    // Timers within timers wait 4 ms in browsers.
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      work();
    });
    port1.start();
    port2.postMessage(undefined);
  }
}
