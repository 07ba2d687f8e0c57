import type { Backend } from '@ddcl/core/backend';
import { requireAll, timeAll, type Timing } from '../compare/compare-shape.ts';
import type { Contestant } from '../compare/contestant.ts';
import { startPython, type PythonPeer } from '../peer/python-peer.ts';
import { encodeContestants, type EncodeShape } from './encode.ts';
import { nearestContestants, type NearestShape } from './nearest.ts';
import { stepContestants } from './step.ts';

/** One thing that all its contestants compute. */
export type CodebookWork =
  | { readonly part: 'nearest'; readonly shape: NearestShape }
  | { readonly part: 'step'; readonly shape: NearestShape }
  | { readonly part: 'encode'; readonly shape: EncodeShape };

export interface CodebookTimings {
  readonly work: CodebookWork;
  /** Ours is the first. */
  readonly timings: readonly Timing[];
}

export interface CodebookOptions {
  readonly rounds: number;
  readonly threads: number;
  /** Python with torch and faiss; undefined leaves both out. */
  readonly python: string | undefined;
  readonly onRound?: (title: string, round: number) => void;
}

export const titleOf = ({ part, shape }: CodebookWork): string => {
  const number = (value: number): string => value.toLocaleString('en');
  switch (part) {
    case 'nearest':
      return `Nearest of ${number(shape.codes)} codes, ${number(shape.tokens)} tokens of ${shape.dimension} numbers`;
    case 'step':
      return `Training step of ${number(shape.codes)} codes, ${number(shape.tokens)} tokens of ${shape.dimension} numbers`;
    case 'encode':
      return `Product quantization of ${number(shape.vectors)} vectors of ${shape.dimension} numbers into ${shape.groups} bytes`;
  }
};

/** Each piece of work: its contestants must agree, which warms them up, and then each runs once per round, so that noise hits all alike. */
export async function compareCodebooks(
  backend: Backend,
  works: readonly CodebookWork[],
  options: CodebookOptions,
): Promise<CodebookTimings[]> {
  const { python, threads, rounds, onRound } = options;
  const compared: CodebookTimings[] = [];
  for (const work of works) {
    // A process of its own for each: none pays for what another holds.
    const peer = python === undefined ? undefined : startPython(python, 'codebooks_peer.py', threads);
    let contestants: Contestant[] = [];
    try {
      contestants = await contestantsOf(backend, work, { peer, threads, rounds });
      await requireAll(contestants);
      const timings = await timeAll(contestants.map(warmed), rounds, (round) => onRound?.(titleOf(work), round), 0);
      compared.push({ work, timings });
    } finally {
      for (const contestant of contestants) contestant.dispose();
      peer?.dispose();
    }
  }
  return compared;
}

/** Milliseconds from which what a first call pays for, such as memory that the system took back between turns, no longer matters. */
const longCall = 2000;

/** Of short calls the second in a row counts, so that nobody pays for what happened in the turns of others. */
const warmed = (contestant: Contestant): Contestant => ({
  ...contestant,
  async time() {
    const first = await contestant.time();
    return first < longCall ? contestant.time() : first;
  },
});

/** Codes from which a round of nearest ones takes some contestants half a minute. */
const manyCodes = 8192;

function contestantsOf(
  backend: Backend,
  work: CodebookWork,
  given: { readonly peer: PythonPeer | undefined; readonly threads: number; readonly rounds: number },
): Promise<Contestant[]> {
  if (work.part === 'step') return stepContestants(backend, work.shape, given);
  if (work.part === 'encode') return encodeContestants(backend, work.shape, given);
  const rounds = work.shape.codes < manyCodes ? given.rounds : Math.min(3, given.rounds);
  return nearestContestants(backend, work.shape, { ...given, rounds });
}
