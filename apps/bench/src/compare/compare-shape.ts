import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { setTimeout as delay } from 'node:timers/promises';
import type { Backend } from '@ddcl/core/backend';
import { median } from '../measure/median.ts';
import type { StepShape } from '../measure/step.ts';
import { backendForward, backendProducts, backendStep } from './backend-contestants.ts';
import { requireAgreement, type Contestant, type Results, type Work } from './contestant.ts';
import { makeInputs } from './inputs.ts';
import { tfjsStep } from './tfjs-contestant.ts';
import { startTorch, type TorchPeer } from './torch-peer.ts';

export interface Timing {
  readonly name: string;
  readonly work: Work;
  readonly eager: boolean;
  readonly rounds: number;
  readonly milliseconds: { readonly median: number; readonly min: number; readonly max: number };
}

export interface ShapeComparison {
  readonly shape: StepShape;
  readonly timings: readonly Timing[];
  readonly torch: string | undefined;
  /** What could not take part, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
}

export interface CompareOptions {
  readonly rounds: number;
  readonly threads: number;
  /** Python with torch; undefined leaves PyTorch out. */
  readonly python: string | undefined;
  readonly tfjs: boolean;
  readonly onRound?: (round: number) => void;
}

/** FLOPs above which tfjs takes part in three rounds only: a step takes it seconds. */
const slowForTfjs = 1e10;

/** All contestants on one shape: first they must agree, then each runs once per round, so that noise hits all alike. */
export async function compareShape(
  backend: Backend,
  shape: StepShape,
  { rounds, threads, python, tfjs, onRound }: CompareOptions,
): Promise<ShapeComparison> {
  const inputs = makeInputs(shape);
  const contestants: Contestant[] = [];
  const leftOut: Record<string, string> = {};
  let torch: TorchPeer | undefined;
  try {
    contestants.push(await backendStep(backend, inputs));
    contestants.push(await backendProducts(backend, inputs, 'step'));
    contestants.push(await backendForward(backend, inputs));
    contestants.push(await backendProducts(backend, inputs, 'forward'));
    if (python === undefined) leftOut['torch'] = 'no --python';
    else {
      try {
        torch = await startTorch(python, inputs, { threads, skip: [] });
        contestants.push(...torch.contestants);
        Object.assign(leftOut, torch.leftOut);
      } catch (error) {
        leftOut['torch'] = error instanceof Error ? error.message : String(error);
      }
    }
    if (tfjs) {
      const flops = 4 * shape.tokens * shape.dimension * shape.prototypes;
      await tf.setBackend('wasm');
      contestants.push(tfjsStep(tf, inputs, flops > slowForTfjs ? Math.min(3, rounds) : rounds));
    }
    await requireAll(contestants);
    return { shape, timings: await timeAll(contestants, rounds, onRound), torch: torch?.version, leftOut };
  } finally {
    for (const contestant of contestants) contestant.dispose();
    torch?.dispose();
    inputs.remove();
  }
}

/** @throws Error unless all contestants of the same work give the same numbers */
export async function requireAll(contestants: readonly Contestant[]): Promise<void> {
  const references = new Map<Work, Results>();
  for (const contestant of contestants) {
    const results = await contestant.check?.();
    if (results === undefined) continue;
    const reference = references.get(contestant.work);
    if (reference === undefined) references.set(contestant.work, results);
    else requireAgreement(contestant.name, results, reference);
  }
}

/** Rounds before the first that counts, unless told otherwise. */
const usualWarmUps = 2;
/**
 * Milliseconds between calls: threads of the one before may still spin and take a core from the next. 30 ms after ONNX Runtime PyTorch's
 * best step (8192, 384, 64) was 15 % slower than alone; after 100 ms its median was as alone.
 */
const pause = 100;

/** Each contestant once per round. */
export async function timeAll(
  contestants: readonly Contestant[],
  rounds: number,
  onRound?: (round: number) => void,
  warmUps: number = usualWarmUps,
): Promise<Timing[]> {
  const times = contestants.map((): number[] => []);
  for (let round = -warmUps; round < rounds; round++) {
    onRound?.(round);
    for (const [index, contestant] of contestants.entries()) {
      // What takes part in a few rounds only was warmed up by its check.
      if (contestant.rounds !== undefined && (round < 0 || round >= contestant.rounds)) continue;
      await delay(pause);
      const milliseconds = await contestant.time();
      if (round >= 0) times[index]!.push(milliseconds);
    }
  }
  return contestants.map(({ name, work, eager = false }, index) => {
    const all = times[index]!;
    return {
      name,
      work,
      eager,
      rounds: all.length,
      milliseconds: { median: median(all), min: Math.min(...all), max: Math.max(...all) },
    };
  });
}
