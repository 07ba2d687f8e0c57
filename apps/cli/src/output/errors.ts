import { isDdclError } from '@ddcl/core';
import { CommanderError } from 'commander';

/** Exit statuses: 0 done, 1 a defect or a failure of the machine, 2 a user's mistake, 130 interrupted. */
export const exitStatus = { done: 0, failure: 1, mistake: 2, interrupted: 130 } as const;

const mistakes = new Set(['argument', 'shape', 'dtype', 'data', 'format', 'temperature', 'unsupported', 'limit']);

/** A text as one line. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/**
 * Writes what went wrong as one line on stderr (a defect with its trace) and returns the exit status.
 *
 * @param command name of the command that was run
 */
export function reportError(error: unknown, command: string | undefined, write: (text: string) => void): number {
  if (error instanceof CommanderError) {
    // commander has written its own message or help already.
    return error.exitCode === 0 ? exitStatus.done : exitStatus.mistake;
  }
  if (isDdclError(error, 'aborted')) {
    write(
      `ddcl: stopped.${command === 'fit' ? ' Run the same command with --resume to go on.' : ' Run the command again.'}\n`,
    );
    return exitStatus.interrupted;
  }
  if (isDdclError(error) && mistakes.has(error.code)) {
    write(`ddcl: ${oneLine(error.message)}\n`);
    return exitStatus.mistake;
  }
  write(`ddcl: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitStatus.failure;
}
