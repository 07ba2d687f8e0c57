import { f32, layerNorm, logSumExp, nearest, trace, type Program } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { programToOnnx } from '../../src/index.ts';
import { emitProgram, nativeComposites } from '../../src/emit/emit-program.ts';
import { runtime } from '../support.ts';

const large = trace([f32(2, 3)], (x) => [logSumExp(x, 1)], 'log sum exp');
const normed = trace([f32(2, 3), f32(3), f32(3)], (x, gain, bias) => [layerNorm(x, gain, bias)], 'layer norm');

const opsOf = (program: Program, tiled: boolean): string[] =>
  emitProgram(program, { tiled })
    .graph.proto('test')
    .node.map(({ opType }) => opType);

describe('composites that ONNX has', () => {
  it('are single ops on processors; elsewhere those with inexact kernels are decomposed', () => {
    expect(opsOf(large, true)).toEqual(['ReduceLogSumExp']);
    expect(opsOf(normed, true)).toEqual(['LayerNormalization']);
    expect(opsOf(large, false)).not.toContain('ReduceLogSumExp');
    expect(opsOf(normed, false)).not.toContain('LayerNormalization');
    expect(nativeComposites(true)).toEqual(expect.arrayContaining(['softmax/1', 'logSumExp/1', 'layerNorm/1']));
    expect(nativeComposites(false)).toContain('softmax/1');
    expect(nativeComposites(false)).not.toContain('logSumExp/1');
  });

  it('stay in range when decomposed, far from 0 too', async () => {
    const session = await runtime.InferenceSession.create(programToOnnx(large));
    const values = [10_000, 10_001, 9_999, -10_000, -10_002, -10_000];
    const { output_0: sums } = await session.run({
      input_0: new runtime.Tensor('float32', Float32Array.from(values), [2, 3]),
    });
    const expected = [10_001 + Math.log(1 + Math.exp(-1) + Math.exp(-2)), -10_000 + Math.log(2 + Math.exp(-2))];
    // float32 has steps of 1e-3 here.
    expected.forEach((value, row) => expect(Math.abs((sums!.data as Float32Array)[row]! - value)).toBeLessThan(1e-3));
  });

  it('nearest prototypes alone cost no distances, and are those beside distances', async () => {
    const types = [f32(5, 2), f32(7, 2)] as const;
    const alone = trace([...types], (tokens, prototypes) => [nearest({ tokens, prototypes }).indices], 'alone');
    const both = trace(
      [...types],
      (tokens, prototypes) => {
        const { indices, distances } = nearest({ tokens, prototypes });
        return [indices, distances];
      },
      'both',
    );
    expect(opsOf(both, true)).toContain('ReduceMax');
    expect(opsOf(alone, true)).not.toContain('ReduceMax');
    const numbers = (count: number, step: number): Float32Array =>
      Float32Array.from({ length: count }, (_, index) => Math.sin(step * (index + 1)));
    const [tokens, prototypes] = [numbers(10, 1.3), numbers(14, 2.1)];
    const run = async (program: Program) => {
      const session = await runtime.InferenceSession.create(programToOnnx(program));
      return session.run({
        input_0: new runtime.Tensor('float32', tokens, [5, 2]),
        input_1: new runtime.Tensor('float32', prototypes, [7, 2]),
      });
    };
    const distance = (n: number, k: number): number =>
      (tokens[2 * n]! - prototypes[2 * k]!) ** 2 + (tokens[2 * n + 1]! - prototypes[2 * k + 1]!) ** 2;
    const expected = Array.from({ length: 5 }, (_, n) =>
      Array.from({ length: 7 }, (_each, k) => k).reduce((best, k) => (distance(n, k) < distance(n, best) ? k : best)),
    );
    for (const program of [alone, both])
      expect([...((await run(program))['output_0']!.data as Int32Array)]).toEqual(expected);
  });
});
