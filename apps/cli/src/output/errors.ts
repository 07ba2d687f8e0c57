import { inspect } from 'node:util';
import { isDdclError } from '@ddcl/core';
import { CommanderError } from 'commander';
import { printable } from './print.ts';

/** Exit statuses: 0 done, 1 a defect or a failure of the machine, 2 a user's mistake, 130 interrupted. */
export const exitStatus = { done: 0, failure: 1, mistake: 2, interrupted: 130 } as const;

const mistakes = new Set(['argument', 'shape', 'dtype', 'data', 'format', 'temperature', 'unsupported', 'limit']);

/** What a user can do about a refusal of the operating system. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space, or write to another place',
  EDQUOT: 'Free some space, or write to another place',
  EACCES: 'Ask for the permission, or choose another place',
  EPERM: 'Ask for the permission, or choose another place',
  EROFS: 'Choose a place that can be written',
  EMFILE: 'Raise the number of open files (ulimit -n)',
  ENOMEM: 'Give less at once, or end other programs',
};

/** A text as one line. By lines, since a pattern for the spaces around a line end takes quadratic time over a run of spaces. */
export const oneLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');

/** Characters of a line: more of them is what a file says, not what is wrong with it. */
const longestLine = 2000;

/** Leaves out the middle of what is too long: the place is named before it, the remedy after it. */
const cutText = (text: string): string =>
  text.length <= longestLine ? text : `${text.slice(0, longestLine - 500)} [...] ${text.slice(-400)}`;

/** What there is to say of an error in a sentence or two, and the exit status that goes with it. */
function describe(error: unknown, command: string | undefined): readonly [text: string, status: number] {
  if (isDdclError(error, 'aborted')) {
    const again = command === 'fit' ? 'Run the same command with --resume to go on.' : 'Run the command again.';
    return [`stopped. ${again}`, exitStatus.interrupted];
  }
  if (isDdclError(error) && mistakes.has(error.code)) return [error.message, exitStatus.mistake];
  if (isDdclError(error, 'lost')) return [error.message, exitStatus.failure];
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof Error && typeof code === 'string' && syscall !== undefined) {
    return [
      `the system refused it (${error.message}). ${remedies[code] ?? 'Look at the place that it names'}, and run the command again.`,
      exitStatus.failure,
    ];
  }
  return [
    `unexpected: ${error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)}. This is a defect of ddcl: please report it ` +
      `with the command, what it prints with --debug, and the output of 'ddcl doctor'.`,
    exitStatus.failure,
  ];
}

/** What is wrong as one line for a terminal. */
export const errorLine = (text: string): string => `${cutText(printable(`ddcl: ${oneLine(text)}`))}\n`;

export interface ReportOptions {
  /** Name of the command that was run. */
  readonly command?: string | undefined;
  /** Whether the stack follows, with those of its causes. */
  readonly debug?: boolean | undefined;
  readonly write: (text: string) => void;
}

/** Writes what went wrong as one line on stderr, without a stack unless it is asked for, and returns the exit status. */
export function reportError(error: unknown, { command, debug = false, write }: ReportOptions): number {
  if (error instanceof CommanderError) {
    // commander has written its own message or help already.
    return error.exitCode === 0 ? exitStatus.done : exitStatus.mistake;
  }
  const [text, status] = describe(error, command);
  write(errorLine(text));
  if (debug) write(printable(`${inspect(error)}\n`));
  return status;
}
