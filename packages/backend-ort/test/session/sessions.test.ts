import { add, exp, f32, gather, i32, matmul, mul, neg, reshape, sum, trace } from '@ddcl/core';
import { programKey, type ConcreteType } from '@ddcl/core/backend';
import { fit, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, describe, expect, it } from 'vitest';
import { ortBackend } from '../../src/index.ts';
import { ModelProtoSchema } from '../../src/onnx/onnx_pb.ts';
import { countingRuntime, cpuProvider, normal, runOn, runtime } from '../support.ts';

const doubled = (n: number | string = 2) => trace([f32(n)], (x) => [add(x, x)], 'doubled');
const type = (n: number) => f32(n) as ConcreteType;
/** A session made by `ortBackend` itself, to see whether providers start. */
const probes = 1;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});
async function counted(options = {}) {
  const { runtime: counting, log } = countingRuntime();
  const backend = await ortBackend({ runtime: counting, threads: 1, ...options });
  cleanups.push(() => backend.dispose());
  expect(log).toEqual({ made: probes, released: probes });
  log.made = 0;
  log.released = 0;
  return { backend, log };
}

describe('sessions', () => {
  it('serve every program of the same structure', async () => {
    const { backend, log } = await counted();
    const executables = [await backend.compile(doubled()), await backend.compile(doubled())];
    expect(log.made).toBe(1);
    for (const executable of executables) executable.dispose();
    await (await backend.compile(doubled())).run([backend.upload(type(2), Float32Array.of(1, 2))]);
    await backend.compile(doubled(3));
    expect(log).toEqual({ made: 2, released: 0 });
  });

  it('are closed when the cache is full and with the backend', async () => {
    const { backend, log } = await counted({ cachedSessions: 2 });
    for (const n of [1, 2, 3, 4]) (await backend.compile(doubled(n))).dispose();
    await Promise.resolve();
    expect(log).toEqual({ made: 4, released: 2 });
    await backend.compile(doubled(9));
    backend.dispose();
    await new Promise(setImmediate);
    expect(log).toEqual({ made: 5, released: 5 });
  });

  it('stay open for a run that is under way when its executable ends', async () => {
    const { backend, log } = await counted({ cachedSessions: 0 });
    const executable = await backend.compile(doubled());
    const running = executable.run([backend.upload(type(2), Float32Array.of(1, 2))]);
    executable.dispose();
    const [sum] = await running;
    expect(await backend.download(sum!)).toEqual(Float32Array.of(2, 4));
    await new Promise(setImmediate);
    expect(log).toEqual({ made: 1, released: 1 });
  });

  it('serve a program compiled twice at once', async () => {
    const { backend, log } = await counted();
    await Promise.all([backend.compile(doubled()), backend.compile(doubled())]);
    expect(log.made).toBe(1);
  });

  it('serve all lengths of a symbolic program but 0, which needs no session', async () => {
    const { backend, log } = await counted();
    const program = trace([f32('n', 3)], (x) => [mul(x, x), sum(x, [0]), matmul(x, x, { transposeB: true })]);
    const executable = await backend.compile(program);
    for (const n of [1, 5, 64, 5]) {
      const [square, total, gram] = await executable.run([
        backend.upload(f32(n, 3) as ConcreteType, new Float32Array(3 * n).fill(2)),
      ]);
      expect(square!.type.shape).toEqual([n, 3]);
      expect(await backend.download(total!)).toEqual(new Float32Array(3).fill(2 * n));
      expect(await backend.download(gram!)).toEqual(new Float32Array(n * n).fill(12));
    }
    expect(log.made).toBe(1);
    const [none, zeros, square] = await executable.run([
      backend.upload(f32(0, 3) as ConcreteType, new Float32Array(0)),
    ]);
    expect([none!.type.shape, square!.type.shape]).toEqual([
      [0, 3],
      [0, 0],
    ]);
    expect(await backend.download(zeros!)).toEqual(new Float32Array(3));
  });

  it('are made once per program in an annealed fit, restarts and all', async () => {
    const { backend, log } = await counted();
    const keys = new Set<string>();
    const watching = {
      ...backend,
      compile: (program: Parameters<typeof backend.compile>[0]) => {
        keys.add(programKey(program));
        return backend.compile(program);
      },
    };
    const tokens = normal(f32(600, 4) as ConcreteType, 1);
    const result = await fit(watching, tokensFromReader(tokensFromArray(tokens, 4)), {
      prototypes: 3,
      restarts: 3,
      steps: 60,
      seed: 1,
    });
    // Temperatures, rates and step numbers all changed on the way.
    expect(new Set(result.history.map(({ temperature }) => temperature)).size).toBeGreaterThan(5);
    expect(keys.size).toBeGreaterThan(1);
    expect(log.made).toBe(keys.size);
    const before = log.made;
    await fit(watching, tokensFromReader(tokensFromArray(tokens, 4)), {
      prototypes: 3,
      restarts: 2,
      steps: 90,
      seed: 2,
    });
    expect(log.made).toBe(before);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('refusals', () => {
  it('names the op and the ONNX node when a session cannot be built', async () => {
    const { runtime: broken } = countingRuntime((model) => {
      const parsed = fromBinary(ModelProtoSchema, model);
      for (const node of parsed.graph!.node) if (node.opType === 'Exp') node.opType = 'NoSuchOp';
      return toBinary(ModelProtoSchema, parsed);
    });
    const backend = await ortBackend({ runtime: broken });
    cleanups.push(() => backend.dispose());
    const program = trace([f32(2)], (x) => [neg(exp(x))], 'spoilt');
    await expect(backend.compile(program)).rejects.toMatchObject({
      code: 'unsupported',
      op: 'exp',
      message: expect.stringMatching(/spoilt at exp \(ONNX node 'exp\/Exp_\d+'\).*NoSuchOp/s),
    });
    // Nothing is left behind: another program works, and the failed one fails again.
    await backend.compile(doubled());
    await expect(backend.compile(program)).rejects.toMatchObject({ code: 'unsupported' });
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('says which execution provider cannot start, and why', async () => {
    await expect(ortBackend({ runtime, executionProviders: ['cpu', 'cuda'] })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/'cuda' \(of cpu, cuda\) cannot start here: \S.*Leave it out/s),
    });
    await expect(ortBackend({ runtime, executionProviders: ['nonsense'] })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it.each<[string, object, string]>([
    ['no runtime', { runtime: undefined }, 'onnxruntime-node'],
    ['a runtime that is none', { runtime: {} }, 'onnxruntime-node'],
    ['no provider', { executionProviders: [] }, 'at least one'],
    ['0 threads', { threads: 0 }, 'threads as a whole number >= 1'],
    ['1.5 threads', { threads: 1.5 }, 'got 1.5'],
    ['a negative cache', { cachedSessions: -1 }, 'cachedSessions'],
    ['no bytes', { maxBufferBytes: 0 }, 'maxBufferBytes'],
  ])('%s', async (_, options, text) => {
    await expect(ortBackend({ runtime, ...options } as never)).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining(text),
    });
  });

  it('tensors above the limit and dtypes it lacks', async () => {
    const backend = await cpuProvider({ maxBufferBytes: 1000 });
    cleanups.push(() => backend.dispose());
    await expect(backend.compile(doubled(251))).rejects.toMatchObject({ code: 'limit' });
    const symbolic = await backend.compile(
      trace([f32('n')], (x) => {
        const column = reshape(x, ['n', 1]);
        return [matmul(column, column, { transposeB: true })];
      }),
    );
    const x = backend.upload(type(100), new Float32Array(100));
    await expect(symbolic.run([x])).rejects.toMatchObject({ code: 'limit', shapes: [[100, 100]] });
    backend.free(x);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('an index outside its tensor, as an error of the run that leaves nothing behind', async () => {
    const backend = await cpuProvider();
    cleanups.push(() => backend.dispose());
    const program = trace([f32(3), i32(2)], (x, at) => [gather(x, at)], 'lookup');
    await expect(runOn(backend, program, [new Float32Array(3), Int32Array.of(0, 7)])).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('lookup'),
    });
  });
});
