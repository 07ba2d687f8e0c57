import { DdclError } from '../errors/ddcl-error.ts';

/** The part of a platform's `AbortSignal` that core reads; core itself has no DOM types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** @throws DdclError `aborted` once the signal has fired, with its reason as the cause */
export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted !== true) return;
  throw new DdclError('aborted', 'The work was stopped by its AbortSignal.', { cause: signal.reason });
}
