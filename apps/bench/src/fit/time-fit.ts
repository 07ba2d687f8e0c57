import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { timeStep } from '../step.ts';
import { repeatShards, shardNames } from './repeat-shards.ts';
import { watchMemory, type WatchedMemory } from './watch-memory.ts';

/** What `ddcl fit --json` prints, as far as it is used here. */
interface FitOutput {
  readonly tokens: number;
  readonly dimension: number;
  readonly seconds: number;
  readonly phases: Readonly<Record<'statistics' | 'fit' | 'measure' | 'stability', number>>;
}

export interface FitTiming {
  readonly tokens: number;
  readonly dimension: number;
  readonly prototypes: number;
  readonly epochs: number;
  /** Tokens per second of the training step alone, its tokens on the device already: before the fit and after it. */
  readonly stepRates: readonly [number, number];
  /** Tokens per second of the fit's own steps: reading, shuffling, history and relocation included. */
  readonly fitRate: number;
  /** Tokens per second of the whole command: passes for statistics and the final measure too. */
  readonly commandRate: number;
  readonly seconds: number;
  readonly phases: FitOutput['phases'];
  readonly memory: WatchedMemory;
}

export interface TimeFitOptions {
  /** Folder of token shards, float16 or float32. */
  readonly shards: string;
  /** How often they are repeated. */
  readonly copies: number;
  readonly prototypes: number;
  readonly epochs: number;
  /** Of the command line. */
  readonly backend: string;
  readonly onStage?: (text: string) => void;
}

/** Tokens of a step of `ddcl fit`. */
const batch = 4096;

/** `ddcl fit` on token shards in a process of its own, between two measurements of the bare step. */
export async function timeFit(backend: Backend, options: TimeFitOptions): Promise<FitTiming> {
  const { shards, copies, prototypes, epochs, onStage } = options;
  const folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
  try {
    onStage?.('copying shards');
    if (copies > 1) repeatShards(shards, join(folder, 'tokens'), copies);
    const data = copies > 1 ? join(folder, 'tokens') : shards;
    onStage?.('fit');
    const args = [data, '--prototypes', String(prototypes), '--epochs', String(epochs), '--backend', options.backend];
    const rate = async (dimension: number): Promise<number> => {
      const { milliseconds } = await timeStep(backend, { tokens: batch, dimension, prototypes }, 60);
      return (1000 * batch) / milliseconds.median;
    };
    const dimension = dimensionOf(data);
    const before = await rate(dimension);
    const { output, memory } = await runFit([...args, '--out', join(folder, 'model')]);
    onStage?.('bare steps');
    const after = await rate(dimension);
    return {
      tokens: output.tokens,
      dimension,
      prototypes,
      epochs,
      stepRates: [before, after],
      fitRate: (output.tokens * epochs) / output.phases.fit,
      commandRate: (output.tokens * epochs) / output.seconds,
      seconds: output.seconds,
      phases: output.phases,
      memory,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function dimensionOf(folder: string): number {
  const [name] = shardNames(folder);
  return readSafetensors(readFileSync(join(folder, name!))).tensors.get('tokens')!.shape[1]!;
}

async function runFit(args: readonly string[]): Promise<{ output: FitOutput; memory: WatchedMemory }> {
  const command = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [command, 'fit', ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const memory = await watchMemory(child);
  if (child.exitCode !== 0) throw new Error(`ddcl fit ended with status ${child.exitCode}.`);
  return { output: JSON.parse(text) as FitOutput, memory };
}

/** Lines of text. */
export function formatFit(timing: FitTiming): string {
  const { tokens, dimension, prototypes, epochs, stepRates, fitRate, commandRate, seconds, phases, memory } = timing;
  const bare = (stepRates[0] + stepRates[1]) / 2;
  const perSecond = (rate: number): string => Number(rate.toPrecision(3)).toLocaleString('en').padStart(9);
  const share = (rate: number): string => `${((100 * rate) / bare).toFixed(0)} % of the bare step`;
  const { points } = memory;
  const at = (part: number): string => `${points[Math.floor(part * (points.length - 1))]!.megabytes.toFixed(0)}`;
  return [
    `ddcl fit on ${tokens.toLocaleString('en')} tokens of dimension ${dimension}, K = ${prototypes}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}; tokens per second`,
    `bare step      ${perSecond(bare)}   ${stepRates.map((rate) => perSecond(rate).trim()).join(' before, ')} after`,
    `steps of fit   ${perSecond(fitRate)}   ${share(fitRate)}`,
    `whole command  ${perSecond(commandRate)}   ${share(commandRate)}, ${seconds.toFixed(0)} s: ${Object.entries(phases)
      .map(([phase, spent]) => `${phase} ${spent.toFixed(1)}`)
      .join(', ')}`,
    points.length === 0
      ? 'resident memory is not known on this system'
      : `resident memory ${[0.1, 0.25, 0.5, 0.75, 0.9].map(at).join(', ')} MB at 10, 25, 50, 75, 90 % of the time, at most ${Math.max(...points.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
  ].join('\n');
}
