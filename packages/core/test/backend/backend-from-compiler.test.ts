import { describe, expect, it } from 'vitest';
import { backendFromCompiler } from '../../src/backend/backend-from-compiler.ts';
import { backendFromKernels } from '../../src/backend/backend-from-kernels.ts';
import type { CompilerBackendOptions } from '../../src/backend/compiler.ts';
import type { PlanStep } from '../../src/backend/plan.ts';
import { planKernels } from '../../src/backend/plan.ts';
import { walkPlan } from '../../src/backend/walk.ts';
import { add, mul, neg } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64, type ConcreteType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import type { RefTensor } from '../support/reference.ts';
import { errorOf, rejection } from '../support/run.ts';
import { strictOptions } from '../support/strict-backend.ts';

const type = (length: number): ConcreteType => f64(length) as ConcreteType;
const doubled = trace([f64(2)], (x) => [add(x, x)], 'doubled');
const anyLength = trace([f64('n')], (x) => [add(x, x), x, sum(x)], 'any length');
const data = Float64Array.of(1, 2);

/** A compiler that runs plans of the strict kernels, when `turn` says so. */
function compiler(change: Partial<CompilerBackendOptions<RefTensor>> = {}, turn: () => Promise<void> = async () => {}) {
  const { options, log } = strictOptions();
  const compiled: string[] = [];
  const backend = backendFromCompiler<RefTensor>({
    ...options,
    capabilities: { ...options.capabilities, composites: [] },
    async compile(program) {
      compiled.push(program.parameters.map(({ shape }) => shape.join()).join());
      const plan = planKernels(program, []);
      return {
        async run(inputs) {
          await turn();
          return walkPlan(plan, inputs, options);
        },
      };
    },
    ...change,
  });
  return { backend, log, compiled };
}

describe('a backend made of a compiler', () => {
  it('compiles a program once for each set of sizes, and gives results of every kind', async () => {
    const { backend, log, compiled } = compiler();
    const executable = await backend.compile(anyLength);
    for (const n of [2, 3, 2, 0]) {
      const x = backend.upload(type(n), new Float64Array(n).fill(1));
      const results = await executable.run([x]);
      const numbers = await Promise.all(results.map(async (each) => Array.from(await backend.download(each))));
      expect(numbers).toEqual([Array(n).fill(2), Array(n).fill(1), [n]]);
      for (const buffer of [x, ...results]) backend.free(buffer);
    }
    expect(compiled).toEqual(['2', '3', '0']);
    expect(log.alive.size).toBe(0);
  });

  it('keeps what a run uses until it is over, and counts it no more', async () => {
    let go = (): void => {};
    const { backend, log } = compiler({}, () => new Promise((resolve) => (go = resolve)));
    const executable = await backend.compile(doubled);
    const [freed, donated] = [backend.upload(type(2), data), backend.upload(type(2), data)];
    const running = [executable.run([freed])];
    await Promise.resolve();
    const first = go;
    running.push(executable.run([donated], { donate: [0] }));
    backend.free(freed);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(log.alive.size).toBe(2);
    first();
    go();
    const results = (await Promise.all(running)).flat();
    expect(await Promise.all(results.map((each) => backend.download(each)))).toEqual([
      Float64Array.of(2, 4),
      Float64Array.of(2, 4),
    ]);
    expect(log.alive.size).toBe(2);
  });

  it('ends with `lost` what is under way, and refuses what comes', async () => {
    let lose!: (loss: { reason: string }) => void;
    const { backend, log } = compiler(
      { lost: new Promise((resolve) => (lose = resolve)) },
      () => new Promise(() => {}),
    );
    const executable = await backend.compile(doubled);
    const x = backend.upload(type(2), data);
    const running = executable.run([x]);
    lose({ reason: 'unplugged' });
    expect(await rejection(running)).toMatchObject({ code: 'lost', message: expect.stringContaining('unplugged') });
    expect(errorOf(() => backend.upload(type(2), data)).code).toBe('lost');
    for (const ends of [executable.run([x]), backend.download(x), backend.compile(doubled)])
      expect(await rejection(ends)).toMatchObject({ code: 'lost' });
    backend.free(x);
    backend.dispose();
    expect(log.alive.size).toBe(0);
  });

  it('gives results back that nobody gets any more, and disposes after the last use', async () => {
    let go = (): void => {};
    const ended: number[] = [];
    const { backend, log } = compiler(
      { dispose: () => ended.push(log.alive.size) },
      () => new Promise((resolve) => (go = resolve)),
    );
    const executable = await backend.compile(doubled);
    const running = executable.run([backend.upload(type(2), data)]);
    await Promise.resolve();
    backend.dispose();
    expect(ended).toEqual([]);
    go();
    expect(await rejection(running)).toMatchObject({ code: 'disposed' });
    expect(ended).toEqual([0]);
  });

  it('names what a compiled program gives too little or wrong', async () => {
    const { options } = strictOptions();
    const giving = (results: unknown[]) =>
      compiler({
        release: () => {},
        compile: () => ({ run: () => results as RefTensor[] }),
        check: ({ data: own }) => (own.length === 2 ? undefined : `${own.length} numbers`),
      });
    const text = async (results: unknown[]): Promise<string> => {
      const { backend } = giving(results);
      return (await rejection((await backend.compile(doubled)).run([backend.upload(type(2), data)]))).message;
    };
    expect(await text([])).toContain('gave 0 results instead of 1');
    expect(await text([undefined])).toContain('gave nothing as result 0, f64[2]');
    expect(await text([options.upload(type(3), new Float64Array(3))])).toContain('gave 3 numbers for f64[2]');
  });
});

describe('a backend made of kernels', () => {
  it('borrows and lends tensors without a copy, and never releases a borrowed one', async () => {
    const { options, log } = strictOptions();
    const backend = backendFromKernels({
      ...options,
      wrap: (native) => native as RefTensor,
      unwrap: (native) => native,
    });
    const owner = backend.upload(type(2), data);
    const native = backend.unwrap!(owner);
    const borrowed = backend.wrap!(native, type(2));
    expect(backend.memory()).toEqual({ buffers: 2, bytes: 32 });
    const [result] = await (await backend.compile(doubled)).run([borrowed], { donate: [0] });
    expect(await backend.download(result!)).toEqual(Float64Array.of(2, 4));
    expect(backend.unwrap!(owner)).toBe(native);
    expect(log.alive.has(native as RefTensor)).toBe(true);
    expect(errorOf(() => backendFromKernels({ ...options, wrap: (each) => each as RefTensor })).message).toContain(
      'come together',
    );
  });

  it('prepares the calls of each program and size before its first run', async () => {
    const { options } = strictOptions();
    const prepared: string[][] = [];
    const backend = backendFromKernels({
      ...options,
      async prepare(steps: readonly PlanStep[]) {
        prepared.push(steps.map(({ instruction, call }) => `${instruction.op} [${call.outputType.shape}]`));
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    });
    const executable = await backend.compile(trace([f64('n')], (x) => [neg(mul(x, x))]));
    expect(prepared).toEqual([]);
    for (const n of [2, 2, 3]) {
      const x = backend.upload(type(n), new Float64Array(n).fill(3));
      const running = executable.run([x]);
      backend.free(x);
      const [result] = await running;
      expect(await backend.download(result!)).toEqual(new Float64Array(n).fill(-9));
    }
    expect(prepared).toEqual([
      ['mul [2]', 'neg [2]'],
      ['mul [3]', 'neg [3]'],
    ]);
  });

  it('fails to compile when preparing fails, and tries again', async () => {
    const { options } = strictOptions();
    let tries = 0;
    const backend = backendFromKernels({
      ...options,
      prepare: async () => {
        if (++tries === 1) throw new Error('no memory for pipelines');
      },
    });
    await expect(backend.compile(doubled)).rejects.toThrow('no memory for pipelines');
    expect((await backend.compile(doubled)).program).toBe(doubled);
  });
});
