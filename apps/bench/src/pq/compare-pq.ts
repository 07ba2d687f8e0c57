import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPython } from '../peer/python-peer.ts';

/** One quantizer at one number of bytes. */
export interface PqRun {
  readonly contestant: string;
  /** Groups, which are bytes: 256 codes each. */
  readonly groups: number;
  /** Mean squared distance of a base vector to that of its codes. */
  readonly distortion: number;
  readonly recall: number;
  readonly seconds: number;
}

export interface PqComparison {
  readonly vectors: number;
  readonly dimension: number;
  readonly queries: number;
  readonly variance: number;
  readonly versions: string;
  readonly runs: readonly PqRun[];
}

export interface PqOptions {
  /** float32 [n, m], .npy: learned from, and searched among. */
  readonly base: string;
  /** Others, [q, m]. */
  readonly queries: string;
  readonly groups: readonly number[];
  /** Of {@link pqContestants}. */
  readonly contestants: readonly string[];
  readonly threads: number;
  readonly python: string;
  readonly backend: string;
  readonly onStage: (text: string) => void;
}

/** Options of `ddcl vq fit` by contestant. */
const ours: Readonly<Record<string, readonly string[]>> = {
  ddcl: [],
  'ddcl --rotate': ['--rotate'],
  'ddcl --quantizer ema --rotate': ['--quantizer', 'ema', '--rotate'],
};

export const pqContestants: readonly string[] = ['faiss PQ', 'faiss OPQ', ...Object.keys(ours)];

/** Each contestant at each number of bytes; all are searched and counted by the peer, in the same way. */
export async function comparePq(options: PqOptions): Promise<PqComparison> {
  const { base, queries, groups, contestants, threads, python, onStage } = options;
  const peer = startPython(python, 'pq_peer.py', threads);
  const runs: PqRun[] = [];
  try {
    onStage('loading');
    const about = await peer.ask({ do: 'load', base, queries, threads });
    for (const count of groups) {
      for (const contestant of contestants) {
        onStage(`${count} bytes: ${contestant}`);
        if (ours[contestant] === undefined) {
          const { seconds, distortion, recall } = (await peer.ask({
            do: 'train',
            contestant,
            groups: count,
          })) as unknown as PqRun;
          runs.push({ contestant, groups: count, distortion, recall, seconds });
          continue;
        }
        const folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
        try {
          const seconds = await runCommands(folder, ours[contestant], count, options);
          const decoded = join(folder, 'decoded.npy');
          const { distortion, recall } = (await peer.ask({ do: 'recall', decoded })) as unknown as PqRun;
          runs.push({ contestant, groups: count, distortion, recall, seconds });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }
    }
    const [vectors, dimension] = about['shape'] as [number, number];
    const counts = { queries: Number(about['queries']), variance: Number(about['variance']) };
    return { vectors, dimension, ...counts, versions: `faiss ${String(about['faiss'])}`, runs };
  } finally {
    peer.dispose();
  }
}

/** Fits, encodes and decodes as users do; gives the seconds of the whole fit. */
async function runCommands(
  folder: string,
  more: readonly string[],
  groups: number,
  { base, backend }: PqOptions,
): Promise<number> {
  const command = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
  const ddcl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [command, 'vq', ...args])).stdout;
  const at = (name: string): string => join(folder, name);
  const size = ['--codes', '256', '--groups', String(groups), '--backend', backend];
  const fitted = await ddcl('fit', base, ...size, ...more, '--out', at('pq'), '--json');
  await ddcl('encode', at('pq'), base, '--backend', backend, '--out', at('base.codes'));
  await ddcl('decode', at('pq'), at('base.codes'), '--out', at('decoded.npy'));
  return (JSON.parse(fitted) as { seconds: number }).seconds;
}
