import { isDdclError } from '@ddcl/core';

/** The code of the DdclError that `action` throws or is rejected with; any other error goes on. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (isDdclError(error)) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
