/** Work in pieces of some milliseconds: it yields where it may pause, or be ended by an error thrown into it, and returns its result. */
export type Pieces<Result> = Generator<void, Result, void>;

/** What gives a result: at once, later, or in pieces on the calling thread. */
export type Work<Result> = Result | Promise<Result> | Pieces<Result>;

export function isPieces<Result>(work: Work<Result>): work is Pieces<Result> {
  const { next, throw: end } = (work ?? {}) as Partial<Pieces<Result>>;
  return typeof next === 'function' && typeof end === 'function';
}

/** The result of work whose pieces are done without a pause. */
export function withoutPause<Result>(work: Pieces<Result> | Result): Result;
export function withoutPause<Result>(work: Work<Result>): Result | Promise<Result>;
export function withoutPause<Result>(work: Work<Result>): Result | Promise<Result> {
  if (!isPieces(work)) return work;
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
