import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { turnGiver } from '../abort/turns.ts';
import { isPieces, withoutPause, type Work } from '../abort/pieces.ts';

/** Who wants the result of some work. */
export interface WorkClient {
  readonly signal: AbortSignalLike | undefined;
  /** Throws once nobody wants it any more for another reason. */
  requireAlive(): void;
}

interface Waiting {
  readonly client: WorkClient;
  readonly begin: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** Does work for somebody. */
export type WorkRunner = <Result>(start: () => Work<Result>, client: WorkClient) => Result | Promise<Result>;

/** @param blocks whether work may block the calling thread, and is therefore done with pauses */
export function workRunner(blocks: boolean): WorkRunner {
  if (!blocks) return (start) => withoutPause(start());
  const runner = new PieceRunner();
  return (start, client) => runner.run(start, client);
}

/**
 * Does work on the calling thread, one after the other in the order in which it came, since each holds memory. In between, every 25 ms, the
 * event loop gets a turn, after which whatever is wanted no more ends: what is under way, and what waits for it.
 */
class PieceRunner {
  readonly #turn = turnGiver();
  #waiting: Waiting[] = [];
  #isBusy = false;

  /** @throws whatever the work throws, `aborted` once the signal has fired, and what the client throws */
  async run<Result>(start: () => Work<Result>, client: WorkClient): Promise<Result> {
    if (this.#isBusy) await new Promise<void>((begin, refuse) => this.#waiting.push({ client, begin, refuse }));
    this.#isBusy = true;
    try {
      const turn = this.#turn();
      if (turn !== undefined) await this.#afterTurn(turn);
      requireWanted(client);
      const pieces = start();
      if (!isPieces(pieces)) return await pieces;
      for (;;) {
        const { done, value } = pieces.next();
        if (done === true) return value;
        const turn = this.#turn();
        if (turn === undefined) continue;
        await this.#afterTurn(turn);
        try {
          requireWanted(client);
        } catch (error) {
          pieces.throw(error);
          throw error;
        }
      }
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#isBusy = false;
      else next.begin();
    }
  }

  async #afterTurn(turn: Promise<void>): Promise<void> {
    await turn;
    this.#waiting = this.#waiting.filter(({ client, refuse }) => {
      try {
        requireWanted(client);
        return true;
      } catch (error) {
        refuse(error);
        return false;
      }
    });
  }
}

function requireWanted({ signal, requireAlive }: WorkClient): void {
  requireAlive();
  throwIfAborted(signal);
}
