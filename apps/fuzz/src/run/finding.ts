import { isDdclError } from '@ddcl/core';
import { ReadsDifferently, type Reader } from '../readers/reader.ts';

/** What is wrong with how a file was read. */
export type FindingKind = 'crash' | 'differs' | 'hang' | 'memory';

export interface Finding {
  readonly kind: FindingKind;
  /** What was thrown, or how long or large it was. */
  readonly detail: string;
}

/** What became of an input. */
export type Outcome = 'accepted' | 'refused' | Finding;

/** What users are told of as their mistake; other codes of a DdclError are defects. */
const refusals: readonly string[] = [
  'argument',
  'shape',
  'dtype',
  'data',
  'format',
  'temperature',
  'unsupported',
  'limit',
];

/** Reads an input; what it does not return from is for others to see. */
export async function judge(reader: Reader, bytes: Uint8Array): Promise<Outcome> {
  try {
    await reader.read(bytes);
    return 'accepted';
  } catch (error) {
    if (isDdclError(error) && refusals.includes(error.code)) return 'refused';
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: error instanceof ReadsDifferently ? 'differs' : 'crash', detail: detail.slice(0, 2000) };
  }
}

/** Findings of one cause look alike but for numbers and texts: the place where it was thrown, or the beginning of what is said. */
export function causeOf({ kind, detail }: Finding): string {
  const place = kind === 'crash' ? /\n\s+at ([^\n]*)/.exec(detail)?.[1] : undefined;
  const text = detail
    .split('\n')[0]!
    .replaceAll(/'[^']*'|"[^"]*"|\d+(\.\d+)?/g, '#')
    .slice(0, kind === 'differs' ? 60 : 80);
  return [kind, place ?? text].join(' ');
}
