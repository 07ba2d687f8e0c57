import { describe, expect, it, vi } from 'vitest';
import { abortableBackend } from '../../src/backend/abortable-backend.ts';
import { backendFromKernels } from '../../src/backend/backend-from-kernels.ts';
import type { Backend } from '../../src/backend/contract.ts';
import type { KernelInPieces } from '../../src/backend/kernels.ts';
import { neg } from '../../src/program/ops/elementwise.ts';
import { f64, type ConcreteType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import type { RefTensor } from '../support/reference.ts';
import { rejection } from '../support/run.ts';
import { strictOptions } from '../support/strict-backend.ts';

const pieces = 40;
const type = f64(2) as ConcreteType;
const program = trace([f64(2)], (x) => [neg(neg(x))], 'twice');

/** The reference kernels, of which neg takes 40 pieces; `log` has 'begin', 'end' and 'left' of each. In the middle of the first `onMiddle` is called. */
function slowBackend(blocks: boolean, onMiddle?: () => void) {
  const { options, log: natives } = strictOptions();
  const neg = options.kernels.neg as KernelInPieces<RefTensor, never>;
  const log: string[] = [];
  const backend = backendFromKernels<RefTensor>({
    ...options,
    blocks,
    kernels: {
      ...options.kernels,
      *neg(inputs, call) {
        log.push('begin');
        let isDone = false;
        try {
          for (let piece = 0; piece < pieces; piece++) {
            if (piece === pieces / 2 && log.length === 1) onMiddle?.();
            yield;
          }
          isDone = true;
          log.push('end');
          return neg(inputs, call as never) as RefTensor;
        } finally {
          if (!isDone) log.push('left');
        }
      },
    },
  });
  return { backend, log, natives };
}

const ready = async (backend: Backend) => {
  const executable = await backend.compile(program);
  return { executable, x: backend.upload(type, Float64Array.of(1, -2)) };
};

/** Every look at the clock finds that a turn is due. */
async function withLateClock<Result>(work: () => Promise<Result>): Promise<Result> {
  let now = Date.now();
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (now += 1000));
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

/** Counts turns of the event loop while some work is under way. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

describe('work in pieces', () => {
  it('gives the event loop a turn between any two, and the same numbers', async () => {
    const { backend } = slowBackend(true);
    const { executable, x } = await ready(backend);
    let numbers: unknown;
    const turns = await withLateClock(() =>
      turnsDuring(async () => {
        const [result] = await executable.run([x]);
        numbers = await backend.download(result!);
      }),
    );
    expect(turns).toBeGreaterThanOrEqual(2 * pieces);
    expect(numbers).toEqual(Float64Array.of(1, -2));
  });

  it('is done at once by a backend that does not block', async () => {
    const { backend, log } = slowBackend(false);
    const { executable, x } = await ready(backend);
    const running = withLateClock(() => executable.run([x]));
    expect(log).toEqual(['begin', 'end', 'begin', 'end']);
    await running;
  });

  it('is done run by run, in the order of the runs', async () => {
    const { backend, log } = slowBackend(true);
    const { executable, x } = await ready(backend);
    const over: number[] = [];
    await withLateClock(() => Promise.all([0, 1, 2].map((index) => executable.run([x]).then(() => over.push(index)))));
    expect(over).toEqual([0, 1, 2]);
    expect(log.join()).toBe(Array<string>(6).fill('begin,end').join());
  });

  it('ends in the middle when the signal fires, also of a run that waits, and goes on with the next', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { backend, log, natives } = slowBackend(true, () => controller.abort(reason));
    const { executable, x } = await ready(backend);
    const alive = natives.alive.size;
    await withLateClock(async () => {
      const { signal } = controller;
      const [first, second, last] = [
        rejection(executable.run([x], { signal })),
        rejection(executable.run([x], { signal })),
        executable.run([x]),
      ];
      for (const error of [await first, await second]) expect(error).toMatchObject({ code: 'aborted', cause: reason });
      expect(log.slice(0, 2)).toEqual(['begin', 'left']);
      const [result] = await last;
      expect(await backend.download(result!)).toEqual(Float64Array.of(1, -2));
      backend.free(result!);
    });
    expect(log).toEqual(['begin', 'left', 'begin', 'end', 'begin', 'end']);
    expect(natives.alive.size).toBe(alive);
    expect(await rejection(executable.run([x], { signal: controller.signal }))).toMatchObject({ code: 'aborted' });
  });

  it('ends in the middle when the backend is disposed', async () => {
    const { backend, log, natives } = slowBackend(true, () => backend.dispose());
    const { executable, x } = await ready(backend);
    await withLateClock(async () => expect((await rejection(executable.run([x]))).code).toBe('disposed'));
    expect(log).toEqual(['begin', 'left']);
    expect(natives.alive.size).toBe(0);
  });
});

describe('an abortable backend', () => {
  it('gives its signal to each run, and compiles no more once that has fired', async () => {
    const { backend } = slowBackend(true);
    const controller = new AbortController();
    expect(abortableBackend(backend, undefined)).toBe(backend);
    const own = abortableBackend(backend, controller.signal);
    const { executable, x } = await ready(own);
    own.free((await executable.run([x]))[0]!);
    controller.abort();
    expect((await rejection(executable.run([x], { donate: [0] }))).code).toBe('aborted');
    expect((await rejection(own.compile(program))).code).toBe('aborted');
    // Consumed all the same.
    expect(own.memory().buffers).toBe(0);
  });
});
