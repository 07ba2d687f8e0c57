import { f32, layerNorm, logSumExp, trace, type Program } from '@ddcl/core';
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
});
