import { forward, loss, matmul, tensorType, trace, type Program } from '@ddcl/core';
import type { Backend, DeviceBuffer } from '@ddcl/core/backend';
import { stepProgram, type StepShape } from '../measure/step.ts';
import type { Contestant, Results } from './contestant.ts';
import type { Inputs } from './inputs.ts';

const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;

/** y, L_q, L_OLS and V of weighted tokens. */
export function forwardProgram({ tokens, dimension, prototypes }: StepShape): Program {
  return trace(
    [f32(tokens, dimension), f32(tokens), f32(prototypes, dimension), f32()],
    (z, a, p, temperature) => {
      const { lq, lols, v } = loss({ tokens: z, weights: a, prototypes: p, temperature });
      return [forward({ tokens: z, prototypes: p, temperature }), lq, lols, v];
    },
    'forward with losses',
  );
}

/** The two matrix products of a step (Z P^T, W^T Z) or of a forward pass (Z P^T, Q P), and nothing else. */
export function productsProgram({ tokens, dimension, prototypes }: StepShape, work: 'step' | 'forward'): Program {
  return trace(
    [f32(tokens, dimension), f32(tokens, prototypes), f32(prototypes, dimension)],
    (z, w, p) => [
      matmul(z, p, { transposeB: true }),
      work === 'step' ? matmul(w, z, { transposeA: true }) : matmul(w, p),
    ],
    `products of a ${work}`,
  );
}

function uploader(backend: Backend): (shape: readonly number[], data: Float32Array) => DeviceBuffer {
  return (shape, data) => backend.upload(tensorType('float32', shape) as ReturnType<typeof f32>, data);
}

/** The training step on a backend: tokens stay on the device, prototypes and Adam's state go from step to step. */
export async function backendStep(backend: Backend, inputs: Inputs): Promise<Contestant> {
  const { tokens: n, dimension: m, prototypes: k } = inputs.shape;
  const upload = uploader(backend);
  const executable = await backend.compile(stepProgram(inputs.shape));
  const scalar = (value: number): DeviceBuffer => upload([], Float32Array.of(value));
  const fixed = [
    upload([n, m], inputs.tokens),
    upload([n], inputs.weights),
    scalar(inputs.temperature),
    scalar(1e-3),
    scalar(1),
  ];
  const start = (): DeviceBuffer[] => [
    upload([k, m], inputs.prototypes),
    upload([k, m], new Float32Array(k * m)),
    upload([k, m], new Float32Array(k * m)),
  ];
  let state = start();
  const step = async (): Promise<DeviceBuffer> => {
    const results = await executable.run([...fixed, ...state], { donate: [5, 6, 7] });
    state = results.slice(0, 3);
    return results[3]!;
  };
  return {
    name: backend.name,
    work: 'step',
    async check(): Promise<Results> {
      for (const buffer of state) backend.free(buffer);
      state = start();
      const lq = await step();
      const [value] = await backend.download(lq);
      backend.free(lq);
      // Adam's first mean is a tenth of the gradient; the prototypes themselves move by the rate times its sign, whatever its size.
      return { lq: value!, mean: (await backend.download(state[1]!)) as Float32Array };
    },
    async time() {
      const began = performance.now();
      const lq = await step();
      // The loss is the last result: its download waits for the whole step.
      await backend.download(lq);
      const ended = performance.now();
      backend.free(lq);
      return ended - began;
    },
    dispose() {
      for (const buffer of [...fixed, ...state]) backend.free(buffer);
      executable.dispose();
    },
  };
}

/** Runs a program on fixed inputs. */
async function repeated(
  backend: Backend,
  program: Program,
  buffers: readonly DeviceBuffer[],
  contestant: Pick<Contestant, 'name' | 'work'>,
  names?: readonly string[],
): Promise<Contestant> {
  const executable = await backend.compile(program);
  return {
    ...contestant,
    ...(names && {
      async check(): Promise<Results> {
        const results = await executable.run(buffers);
        const values = await Promise.all(results.map((buffer) => backend.download(buffer)));
        for (const buffer of results) backend.free(buffer);
        return Object.fromEntries(names.map((name, index) => [name, values[index] as Float32Array]));
      },
    }),
    async time() {
      const began = performance.now();
      const results = await executable.run(buffers);
      const ended = performance.now();
      for (const buffer of results) backend.free(buffer);
      return ended - began;
    },
    dispose() {
      for (const buffer of buffers) backend.free(buffer);
      executable.dispose();
    },
  };
}

export function backendForward(backend: Backend, inputs: Inputs): Promise<Contestant> {
  const { tokens: n, dimension: m, prototypes: k } = inputs.shape;
  const upload = uploader(backend);
  const buffers = [
    upload([n, m], inputs.tokens),
    upload([n], inputs.weights),
    upload([k, m], inputs.prototypes),
    upload([], Float32Array.of(inputs.temperature)),
  ];
  const names = ['y', 'lq', 'lols', 'v'];
  return repeated(backend, forwardProgram(inputs.shape), buffers, { name: backend.name, work: 'forward' }, names);
}

/** The roofline: this backend's own matrix products of the same FLOPs. */
export function backendProducts(backend: Backend, inputs: Inputs, work: 'step' | 'forward'): Promise<Contestant> {
  const { tokens: n, dimension: m, prototypes: k } = inputs.shape;
  const upload = uploader(backend);
  const buffers = [
    upload([n, m], inputs.tokens),
    upload([n, k], new Float32Array(n * k).fill(1 / k)),
    upload([k, m], inputs.prototypes),
  ];
  return repeated(backend, productsProgram(inputs.shape, work), buffers, {
    name: `${backend.name}, its matrix products alone`,
    work: `${work} products`,
  });
}
