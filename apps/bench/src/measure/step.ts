import { adam, createRandom, lossAndGradient, mul, tensorType, trace, type Program, type Tensor } from '@ddcl/core';
import { programCost, type Backend, type DeviceBuffer } from '@ddcl/core/backend';
import { median } from './median.ts';

/** Sizes of a training step with a frozen encoder: N tokens of dimension m, K prototypes. */
export interface StepShape {
  readonly tokens: number;
  readonly dimension: number;
  readonly prototypes: number;
}

export interface StepTiming extends StepShape {
  readonly runs: number;
  readonly milliseconds: { readonly median: number; readonly min: number; readonly max: number };
  /** FLOPs of the two matrix products, 4 N K m, per median second, in 10^9. */
  readonly gflops: number;
}

/** L_q, its closed-form gradient and Adam, as one program: what a step of `fit` runs. */
export function stepProgram({ tokens, dimension, prototypes }: StepShape): Program {
  const optimizer = adam();
  const matrix = tensorType('float32', [prototypes, dimension]);
  const scalar = tensorType('float32', []);
  return trace(
    [
      tensorType('float32', [tokens, dimension]),
      tensorType('float32', [tokens]),
      scalar,
      scalar,
      scalar,
      matrix,
      matrix,
      matrix,
    ],
    (z, a, temperature, learningRate, step, p, mean, square) => {
      const { lq, gradient } = lossAndGradient({ tokens: z, weights: a, prototypes: p, temperature });
      const scaled: Tensor = mul(gradient, 1 / tokens);
      const next = optimizer.update(p, scaled, [mean, square], { learningRate, step });
      return [next.parameter, ...next.state, lq];
    },
    'frozen-encoder step',
  );
}

/** The step with its tokens on the device already, to be run again and again. */
export interface PreparedStep {
  /** Runs it once, to its end; returns milliseconds. */
  run(): Promise<number>;
  /** Gives all back. The backend stays. */
  dispose(): void;
}

/** Compiles the step and uploads random tokens; warmed up. */
export async function prepareStep(backend: Backend, shape: StepShape): Promise<PreparedStep> {
  const executable = await backend.compile(stepProgram(shape));
  const random = createRandom(1);
  const fill = (type: readonly number[], value: () => number): DeviceBuffer => {
    const data = Float32Array.from({ length: type.reduce((total, size) => total * size, 1) }, value);
    return backend.upload({ dtype: 'float32', shape: type }, data);
  };
  const { tokens, dimension, prototypes } = shape;
  const fixed = [
    fill([tokens, dimension], () => random.normal()),
    fill([tokens], () => 1),
    fill([], () => 0.1 * dimension),
    fill([], () => 1e-3),
    fill([], () => 1),
  ];
  let state = [
    fill([prototypes, dimension], () => 0.3 * random.normal()),
    fill([prototypes, dimension], () => 0),
    fill([prototypes, dimension], () => 0),
  ];
  const run = async (): Promise<number> => {
    const began = performance.now();
    const results = await executable.run([...fixed, ...state], { donate: [5, 6, 7] });
    // The loss is the last result: its download waits for the whole step.
    await backend.download(results[3]!);
    const milliseconds = performance.now() - began;
    backend.free(results[3]!);
    state = results.slice(0, 3);
    return milliseconds;
  };
  for (let warm = 0; warm < 2; warm++) await run();
  return {
    run,
    dispose() {
      for (const buffer of [...fixed, ...state]) backend.free(buffer);
      executable.dispose();
    },
  };
}

/** Times the step on random tokens: warmed up, each run awaited to its end. */
export async function timeStep(backend: Backend, shape: StepShape, runs: number): Promise<StepTiming> {
  const step = await prepareStep(backend, shape);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await step.run());
  step.dispose();
  const middle = median(times);
  return {
    ...shape,
    runs,
    milliseconds: { median: middle, min: Math.min(...times), max: Math.max(...times) },
    gflops: programCost(stepProgram(shape)).matmulFlops / (middle * 1e6),
  };
}
