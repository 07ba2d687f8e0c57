import { DdclError } from '@ddcl/core';

/** A DdclError `argument`: what was asked cannot be done as it was asked. Says what to ask in its place. */
export const usageError = (text: string, cause?: unknown): DdclError =>
  new DdclError('argument', text, cause === undefined ? {} : { cause });
