import { isDdclError } from '../../src/errors/ddcl-error.ts';

/** The code of the DdclError that `action` throws; any other error goes on, and no error is 'nothing thrown'. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isDdclError(error)) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** The code of the DdclError that a promise is rejected with. */
export async function codeOfPromise(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isDdclError(error)) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
