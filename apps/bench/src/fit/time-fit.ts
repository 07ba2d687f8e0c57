import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@ddcl/core/safetensors';
import type { Backend } from '@ddcl/core/backend';
import { prepareStep } from '../measure/step.ts';
import { repeatShards, shardNames } from './repeat-shards.ts';
import { takeTurns, type Turns } from './take-turns.ts';
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
  /** Tokens per second of the training step alone, its tokens on the device already, measured in turns with the fit. */
  readonly stepRate: number;
  /** Lowest and highest of a turn. */
  readonly stepRateRange: readonly [number, number];
  readonly turns: number;
  /** Tokens per second of the fit's own steps: reading, shuffling, history and relocation included. */
  readonly fitRate: number;
  /** Tokens per second of the whole command: passes for statistics and the final measure too. */
  readonly commandRate: number;
  /** Of the fit, without the other's turns; so are the phases, each by the same share. */
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

/** Steps of a turn of the bare step, about a second. */
const bareSteps = 64;

/** `ddcl fit` on token shards in a process of its own, in turns with the bare step in this one. */
export async function timeFit(backend: Backend, options: TimeFitOptions): Promise<FitTiming> {
  const { shards, copies, prototypes, epochs, onStage } = options;
  const folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
  try {
    onStage?.('copying shards');
    if (copies > 1) repeatShards(shards, join(folder, 'tokens'), copies);
    const data = copies > 1 ? join(folder, 'tokens') : shards;
    onStage?.('fit');
    const args = [data, '--prototypes', String(prototypes), '--epochs', String(epochs), '--backend', options.backend];
    const dimension = dimensionOf(data);
    const step = await prepareStep(backend, { tokens: batch, dimension, prototypes });
    // The mean, as a fit's rate is one: on a shared machine every tenth step or so takes half as long again.
    const rates: number[] = [];
    const bareTurn = async (): Promise<void> => {
      let spent = 0;
      for (let run = 0; run < bareSteps; run++) spent += await step.run();
      rates.push((1000 * batch * bareSteps) / spent);
    };
    const timed = async (): ReturnType<typeof runFit> => {
      await bareTurn();
      return runFit([...args, '--out', join(folder, 'model')], bareTurn);
    };
    const { output, memory, turns } = await timed().finally(() => step.dispose());
    const active = 1 - turns.stopped;
    const seconds = output.seconds * active;
    const phases = Object.fromEntries(
      Object.entries(output.phases).map(([phase, spent]) => [phase, spent * active]),
    ) as FitOutput['phases'];
    return {
      tokens: output.tokens,
      dimension,
      prototypes,
      epochs,
      // Of all turns together: the mean of times, not of rates.
      stepRate: rates.length / rates.reduce((sum, rate) => sum + 1 / rate, 0),
      stepRateRange: [Math.min(...rates), Math.max(...rates)],
      turns: turns.count,
      fitRate: (output.tokens * epochs) / phases.fit,
      commandRate: (output.tokens * epochs) / seconds,
      seconds,
      phases,
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

async function runFit(
  args: readonly string[],
  turn: () => Promise<void>,
): Promise<{ output: FitOutput; memory: WatchedMemory; turns: Turns }> {
  const command = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [command, 'fit', ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [memory, turns] = await Promise.all([watchMemory(child), takeTurns(child, turn)]);
  if (child.exitCode !== 0) throw new Error(`ddcl fit ended with ${child.signalCode ?? `status ${child.exitCode}`}.`);
  return { output: JSON.parse(text) as FitOutput, memory, turns };
}

/** Lines of text. */
export function formatFit(timing: FitTiming): string {
  const { tokens, dimension, prototypes, epochs, stepRate, stepRateRange, turns, fitRate, commandRate, seconds } =
    timing;
  const { phases, memory } = timing;
  const perSecond = (rate: number): string => Number(rate.toPrecision(3)).toLocaleString('en').padStart(9);
  const share = (rate: number): string => `${((100 * rate) / stepRate).toFixed(0)} % of the bare step`;
  const { points } = memory;
  const at = (part: number): string => `${points[Math.floor(part * (points.length - 1))]!.megabytes.toFixed(0)}`;
  return [
    `ddcl fit on ${tokens.toLocaleString('en')} tokens of dimension ${dimension}, K = ${prototypes}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}; tokens per second`,
    `bare step      ${perSecond(stepRate)}   in ${turns} turns with the fit, ${stepRateRange.map((rate) => perSecond(rate).trim()).join(' to ')}`,
    `steps of fit   ${perSecond(fitRate)}   ${share(fitRate)}`,
    `whole command  ${perSecond(commandRate)}   ${share(commandRate)}, ${seconds.toFixed(0)} s: ${Object.entries(phases)
      .map(([phase, spent]) => `${phase} ${spent.toFixed(1)}`)
      .join(', ')}`,
    points.length === 0
      ? 'resident memory is not known on this system'
      : `resident memory ${[0.1, 0.25, 0.5, 0.75, 0.9].map(at).join(', ')} MB at 10, 25, 50, 75, 90 % of the time, at most ${Math.max(...points.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
  ].join('\n');
}
