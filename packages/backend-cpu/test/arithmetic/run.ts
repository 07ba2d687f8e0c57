import type { Arithmetic, Scratch } from '../../src/arithmetic/arithmetic.ts';

/** Work that pauses nowhere. */
export function run<Result>(arithmetic: Arithmetic, work: (scratch: Scratch) => Result): Result {
  // oxlint-disable-next-line require-yield
  const pieces = arithmetic(function* (scratch) {
    return work(scratch);
  });
  return pieces.next().value as Result;
}
