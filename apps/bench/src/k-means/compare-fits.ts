import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchMemory } from '../fit/watch-memory.ts';
import { startPython } from '../peer/python-peer.ts';

/** One fit of one contestant. */
export interface FitRun {
  readonly contestant: string;
  readonly prototypes: number;
  readonly seed: number;
  /** Of the fit alone: of ddcl its steps, passes, relocations and history; of the others their `fit` or `train`. */
  readonly seconds: number;
  /** Mean squared distance of a token to the nearest prototype. */
  readonly hard: number;
  /** Prototypes that are nearest to some token. */
  readonly used: number;
  /** What a whole `ddcl fit` tells beside that. */
  readonly command?: {
    /** From start to end: reading, statistics, last measure, certificate and report page too. */
    readonly seconds: number;
    readonly phases: Readonly<Record<string, number>>;
    readonly distinct: number;
    readonly lambdaMin: number;
    /** Largest resident memory in megabytes; 0 where it is not known. */
    readonly megabytes: number;
  };
}

export interface FitComparison {
  readonly tokens: number;
  readonly dimension: number;
  readonly variance: number;
  readonly versions: string;
  readonly runs: readonly FitRun[];
}

export interface CompareFitsOptions {
  /** float32 [n, m], .npy. */
  readonly file: string;
  readonly prototypes: readonly number[];
  readonly seeds: number;
  readonly threads: number;
  /** A Python with faiss and scikit-learn. */
  readonly python: string;
  readonly backends: readonly string[];
  readonly peers: readonly string[];
  /** MiB; tokens that take more are read anew for each pass. */
  readonly tokenMemory: number | undefined;
  readonly onStage: (text: string) => void;
}

/** What Python users would pick instead. */
export const peerNames: readonly string[] = ['faiss', 'faiss sampled', 'sklearn', 'sklearn mini-batch'];

/** Every contestant once per seed and number of prototypes, in turns, so that the noise of the machine hits all alike. */
export async function compareFits(options: CompareFitsOptions): Promise<FitComparison> {
  const { file, prototypes, seeds, threads, python, backends, peers, onStage } = options;
  const peer = startPython(python, 'k_means_peer.py', threads);
  try {
    onStage('loading');
    const about = await peer.ask({ do: 'load', file, threads });
    const [tokens, dimension] = about['shape'] as [number, number];
    const runs: FitRun[] = [];
    for (const count of prototypes) {
      for (let seed = 0; seed < seeds; seed++) {
        for (const contestant of peers) {
          onStage(`K = ${count}, seed ${seed}: ${contestant}`);
          const { seconds, hard, used } = await peer.ask({ do: 'fit', contestant, prototypes: count, seed });
          runs.push({ contestant, prototypes: count, seed, seconds, hard, used } as FitRun);
        }
        for (const backend of backends) {
          onStage(`K = ${count}, seed ${seed}: ddcl ${backend}`);
          runs.push(await runCommand(backend, count, seed, options));
        }
      }
    }
    const versions = `faiss ${String(about['faiss'])}, scikit-learn ${String(about['sklearn'])}`;
    return { tokens, dimension, variance: Number(about['variance']), versions, runs };
  } finally {
    peer.dispose();
  }
}

/** What `ddcl fit --json` prints, as far as it is used here. */
interface FitOutput {
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly loss: { readonly hard: number };
  readonly used: number;
  readonly distinct: number;
  readonly stability: { readonly lambdaMin: number };
}

async function runCommand(
  backend: string,
  prototypes: number,
  seed: number,
  { file, tokenMemory }: CompareFitsOptions,
): Promise<FitRun> {
  const folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
  try {
    const command = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
    const args = ['fit', file, '--prototypes', prototypes, '--seed', seed, '--backend', backend, '--json'];
    const memory = tokenMemory === undefined ? [] : ['--token-memory', tokenMemory];
    const child = spawn(process.execPath, [command, ...args, ...memory, '--out', join(folder, 'model')].map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    const { points } = await watchMemory(child);
    if (child.exitCode !== 0) throw new Error(`ddcl fit ended with ${child.signalCode ?? `status ${child.exitCode}`}.`);
    const output = JSON.parse(text) as FitOutput;
    return {
      contestant: `ddcl ${backend}`,
      prototypes,
      seed,
      seconds: output.phases['fit']!,
      hard: output.loss.hard,
      used: Math.round(output.used * prototypes),
      command: {
        seconds: output.seconds,
        phases: output.phases,
        distinct: output.distinct,
        lambdaMin: output.stability.lambdaMin,
        megabytes: Math.max(0, ...points.map(({ megabytes }) => megabytes)),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
