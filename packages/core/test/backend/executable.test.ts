import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BoundedCache } from '../../src/backend/cache.ts';
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';
import { DdclError } from '../../src/errors/ddcl-error.ts';
import { composite } from '../../src/program/composite.ts';
import { add, exp, mul, neg, tanh } from '../../src/program/ops/elementwise.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { broadcastTo, reshape } from '../../src/program/ops/layout.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64, i32, type ConcreteType, type TensorType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { rejection } from '../support/run.ts';

const doubled = trace([f64(2)], (x) => [add(x, x)], 'doubled');
const pair = (type: TensorType = f64(2)) => type as ConcreteType;

function upload(backend: Backend, ...numbers: number[]): DeviceBuffer {
  return backend.upload(pair(f64(numbers.length)), Float64Array.from(numbers));
}

describe('a run', () => {
  it('refuses inputs that do not fit', async () => {
    const backend = strictBackend();
    const executable = await backend.compile(trace([f64('n'), f64('n')], (x, y) => [add(x, y)], 'sums'));
    const [x, y] = [upload(backend, 1, 2), upload(backend, 1, 2, 3)];
    const integers = backend.upload(pair(i32(2)), Int32Array.of(1, 2));
    expect(await rejection(executable.run([x]))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('sums takes 2 inputs, but got 1'),
    });
    expect(await rejection(executable.run([x, y]))).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('n is 2 already'),
    });
    expect(await rejection(executable.run([x, integers]))).toMatchObject({
      code: 'dtype',
      message: expect.stringContaining('i32[2]'),
    });
    expect(backend.memory().buffers).toBe(3);
    expect(backend.log.calls).toEqual([]);
  });

  it('gives results that outlive inputs, executable and each other', async () => {
    const backend = strictBackend();
    const executable = await backend.compile(trace([f64(2)], (x) => [x, reshape(x, [2, 1]), neg(x)]));
    const x = upload(backend, 1, 2);
    const results = await executable.run([x]);
    expect(new Set([x, ...results]).size).toBe(4);
    backend.free(x);
    executable.dispose();
    backend.free(results[0]!);
    expect(await backend.download(results[1]!)).toEqual(Float64Array.of(1, 2));
    expect(await backend.download(results[2]!)).toEqual(Float64Array.of(-1, -2));
  });

  it('may overlap others and run with the same inputs', async () => {
    const backend = strictBackend();
    const [one, two] = [
      await backend.compile(doubled),
      await backend.compile(trace([f64('n')], (x) => [sum(mul(x, x))])),
    ];
    const buffers = [upload(backend, 1, 2), upload(backend, 3, 4)];
    const runs = await Promise.all(
      [...Array(10).keys()].map((index) => (index % 3 === 0 ? two : one).run([buffers[index % 2]!])),
    );
    const numbers = await Promise.all(runs.map(async ([result]) => Array.from(await backend.download(result!))));
    expect(numbers).toEqual(
      [...Array(10).keys()].map((index) => {
        const [a, b] = index % 2 === 0 ? [1, 2] : [3, 4];
        return index % 3 === 0 ? [a! * a! + b! * b!] : [2 * a!, 2 * b!];
      }),
    );
    // The second one starts while the first waits to be read, and takes its result.
    const first = one.run([buffers[0]!]);
    const chained = first.then(([result]) => one.run([result!], { donate: [0] }));
    const [[aside], [last]] = await Promise.all([two.run([buffers[1]!]), chained]);
    expect([...(await backend.download(aside!)), ...(await backend.download(last!))]).toEqual([25, 4, 8]);
  });

  it("fails after the executable's dispose", async () => {
    const backend = strictBackend();
    const executable = await backend.compile(doubled);
    executable.dispose();
    executable.dispose();
    const x = upload(backend, 1, 2);
    expect(await rejection(executable.run([x]))).toMatchObject({
      code: 'disposed',
      message: expect.stringContaining('doubled'),
    });
    expect(executable.program).toBe(doubled);
  });
});

describe('donation', () => {
  it('consumes the buffer, also one given twice or returned', async () => {
    const backend = strictBackend();
    const executable = await backend.compile(trace([f64(2), f64(2)], (x, y) => [add(x, y), x]));
    const x = upload(backend, 1, 2);
    const results = await executable.run([x, x], { donate: [0, 1] });
    expect(await backend.download(results[1]!)).toEqual(Float64Array.of(1, 2));
    expect(backend.memory().buffers).toBe(2);
    expect(await rejection(backend.download(x))).toMatchObject({
      code: 'disposed',
      message: expect.stringContaining('donated'),
    });
    expect(() => backend.free(x)).not.toThrow();
    expect(backend.log.alive.size).toBe(2);
  });

  it('consumes the buffer even when the run fails, whatever the reason', async () => {
    const failing = strictBackend({
      before: () => {
        throw new Error('out of order');
      },
    });
    const kernel = await failing.compile(doubled);
    const first = upload(failing, 1, 2);
    await rejection(kernel.run([first], { donate: [0] }));
    expect(failing.memory().buffers).toBe(0);

    const backend = strictBackend();
    const sums = await backend.compile(trace([f64(2), f64(2)], (x, y) => [add(x, y)]));
    const [wrong, kept] = [upload(backend, 1, 2, 3), upload(backend, 1, 2)];
    expect(await rejection(sums.run([wrong, kept], { donate: [0] }))).toMatchObject({ code: 'shape' });
    expect(backend.memory()).toEqual({ buffers: 1, bytes: 16 });

    const foreign = upload(failing, 1, 2);
    expect(await rejection(sums.run([foreign, kept], { donate: [0, 1] }))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('run of'),
    });
    expect(backend.memory().buffers).toBe(0);
    expect(failing.memory().buffers).toBe(1);

    const disposed = await backend.compile(doubled);
    disposed.dispose();
    const last = upload(backend, 1, 2);
    await rejection(disposed.run([last], { donate: [0] }));
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });

  it('leaves other inputs alone', async () => {
    const backend = strictBackend();
    const executable = await backend.compile(trace([f64(2), f64(2)], (x, y) => [add(x, y)]));
    const [x, y] = [upload(backend, 1, 2), upload(backend, 3, 4)];
    await executable.run([x, y], { donate: [1] });
    expect(await backend.download(x)).toEqual(Float64Array.of(1, 2));
    expect(await rejection(backend.download(y))).toMatchObject({ code: 'disposed' });
  });
});

describe('a kernel that throws', () => {
  const program = trace([f64(2, 3)], (x) => {
    const y = exp(x);
    return [matmul(tanh(y), reshape(y, [3, 2])), x, y];
  });

  it.each([1, 2, 3, 4])('as number %i leaves nothing behind', async (number) => {
    let armed = true;
    const backend = strictBackend({
      before: (_, call) => {
        if (armed && call === number) throw new RangeError('too far');
      },
    });
    const executable = await backend.compile(program);
    const x = backend.upload(pair(f64(2, 3)), new Float64Array(6));
    const error = await rejection(executable.run([x]));
    expect(error).toMatchObject({ code: 'internal', cause: expect.any(RangeError) });
    expect(error.message).toContain('too far');
    expect(error.op).toBe(backend.log.calls.at(-1));
    expect(error.message).toContain(`${error.op}(f64[2,3]`);
    if (error.op === 'matmul')
      expect(error.shapes).toEqual([
        [2, 3],
        [3, 2],
      ]);
    expect(backend.log.alive.size).toBe(1);
    expect(backend.memory().buffers).toBe(1);
    armed = false;
    expect(await executable.run([x])).toHaveLength(3);
  });

  it('a DdclError keeps it', async () => {
    const own = new DdclError('limit', 'too large for the device', { op: 'exp' });
    const backend = strictBackend({
      before: () => {
        throw own;
      },
    });
    const executable = await backend.compile(program);
    expect(await rejection(executable.run([backend.upload(pair(f64(2, 3)), new Float64Array(6))]))).toBe(own);
  });

  it("inside a composite's kernel is named after the composite", async () => {
    const named = trace([f64(2)], (x) =>
      composite({ name: 'odd/3', decomposition: (a) => [neg(exp(a!)), exp(a!)] }, [exp(x)]),
    );
    const kernels = {
      throwing: () => {
        throw new Error('no');
      },
      short: ([x]: readonly { data: Float64Array }[]) =>
        [{ dtype: 'float64' as const, data: x!.data.slice() }].slice(0, 0),
    };
    for (const [kind, kernel] of Object.entries(kernels)) {
      const backend = strictBackend({ composites: { 'odd/3': kernel } });
      const executable = await backend.compile(named);
      const error = await rejection(executable.run([upload(backend, 1, 2)]));
      expect(error).toMatchObject({ code: 'internal', op: 'odd/3', shapes: [[2]] });
      expect(error.message).toContain(kind === 'short' ? '0 tensors instead of 2' : 'odd/3(f64[2]) failed');
      expect(backend.log.alive.size).toBe(1);
    }
  });

  it('while a result is copied leaves nothing behind either', async () => {
    const backend = strictBackend({
      beforeCopy: (copies) => {
        if (copies === 2) throw new Error('full');
      },
    });
    const executable = await backend.compile(trace([f64(2), f64(2)], (x, y) => [add(x, y), x, y], 'copies'));
    const error = await rejection(executable.run([upload(backend, 1, 2), upload(backend, 3, 4)]));
    expect(error).toMatchObject({
      code: 'internal',
      op: undefined,
      message: expect.stringContaining('copying a result of copies failed: Error: full'),
    });
    expect(backend.log.alive.size).toBe(2);
  });
});

describe('a symbolic program', () => {
  it('runs with one size after the other, and plans each once while it is remembered', async () => {
    const lookups = vi.spyOn(BoundedCache.prototype, 'get');
    const stored = vi.spyOn(BoundedCache.prototype, 'set');
    onTestFinished(() => {
      lookups.mockRestore();
      stored.mockRestore();
    });
    const backend = strictBackend();
    const executable = await backend.compile(trace([f64('n')], (x) => [sum(x), broadcastTo(sum(x), ['n'])]));
    const runWith = async (n: number): Promise<void> => {
      const x = upload(backend, ...Array(n).fill(1));
      const results = await executable.run([x], { donate: [0] });
      expect(await Promise.all(results.map((buffer) => backend.download(buffer)))).toEqual([
        Float64Array.of(n),
        new Float64Array(n).fill(n),
      ]);
      for (const buffer of results) backend.free(buffer);
    };
    for (const n of [3, 1, 0, 3, 3]) await runWith(n);
    expect(lookups.mock.results.map(({ value }) => value !== undefined)).toEqual([false, false, false, true, true]);
    for (let n = 0; n < 40; n++) await runWith(n);
    const cache = stored.mock.contexts.at(-1) as BoundedCache<unknown>;
    expect(cache.size).toBe(16);
    expect(backend.log.alive.size).toBe(0);
    executable.dispose();
    expect(cache.size).toBe(0);
  });

  it('refuses a size that it cannot have, each time', async () => {
    const backend = strictBackend();
    const executable = await backend.compile(
      trace([f64('n')], (x) => [reshape(broadcastTo(x, ['n']), ['n', 1]), sum(x)]),
    );
    const limited = strictBackend({ capabilities: { maxBufferBytes: 100 } });
    const square = await limited.compile(trace([f64('n', 1)], (x) => [sum(matmul(x, x, { transposeB: true }))]));
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await rejection(square.run([limited.upload(pair(f64(4, 1)), new Float64Array(4))]))).toMatchObject({
        code: 'limit',
        shapes: [[4, 4]],
      });
    }
    expect(await square.run([limited.upload(pair(f64(3, 1)), new Float64Array(3))])).toHaveLength(1);
    expect(await executable.run([upload(backend)])).toHaveLength(2);
  });
});
