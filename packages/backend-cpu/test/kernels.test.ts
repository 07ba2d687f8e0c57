import { evaluate } from '@ddcl/backend-conformance';
import { erf, f32, f64, gather, i32, matmul, mul, segmentSum, sum, trace } from '@ddcl/core';
import type { Program } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { randomValue, value, type Value } from '../../core/test/support/run.ts';
import { cpuBackend } from '../src/index.ts';

/** What these kernels promise beyond the contract, which conformance.test.ts asks for. */
async function runCpu(program: Program, inputs: readonly Value[]): Promise<number[][]> {
  const backend = cpuBackend();
  const executable = await backend.compile(program);
  const results = await executable.run(inputs.map(({ type, data }) => backend.upload(type, data)));
  return Promise.all(results.map(async (buffer) => Array.from(await backend.download(buffer))));
}

describe('float32', () => {
  it.each<[string, Program, readonly Value[]]>([
    ['sum', trace([f32(257, 9)], (x) => [sum(x), sum(x, [0]), sum(x, [1])]), [randomValue(f32(257, 9), 1)]],
    [
      'matmul',
      trace([f32(65, 257), f32(9, 257)], (a, b) => [matmul(a, b, { transposeB: true })]),
      [randomValue(f32(65, 257), 2), randomValue(f32(9, 257), 3)],
    ],
    [
      'segmentSum',
      trace([f32(257, 2), i32(257)], (x, ids) => [segmentSum(x, ids, { segments: 3 })]),
      [
        randomValue(f32(257, 2), 4),
        value(
          i32(257),
          Array.from({ length: 257 }, (_, index) => (index * 7) % 3),
        ),
      ],
    ],
    ['mul', trace([f32(257), f32(257)], (a, b) => [mul(a, b)]), [randomValue(f32(257), 5), randomValue(f32(257), 6)]],
  ])('%s is computed in double precision and rounded once', async (_, program, inputs) => {
    const actual = await runCpu(program, inputs);
    evaluate(program, inputs).forEach(({ data }, result) => {
      const largest = data.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
      actual[result]!.forEach((number, index) => {
        // Half a unit in the last place of the result, and 1e-13 of the largest for the order of 257 additions in double precision.
        const allowed = 2 ** -24 * Math.abs(data[index]!) + 1e-13 * largest;
        expect(Math.abs(number - data[index]!)).toBeLessThanOrEqual(allowed);
      });
    });
  });
});

describe('erf', () => {
  // From mpmath 1.4.1 with 40 digits, rounded to double.
  it.each([
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2.49, 0.9995707121322661],
    [2.51, 0.9996142945182758],
    [3.5, 0.9999992569016276],
    [5.9, 0.9999999999999999],
  ])('of %f', async (x, expected) => {
    const [[up, down]] = (await runCpu(
      trace([f64(2)], (t) => [erf(t)]),
      [value(f64(2), [x, -x])],
    )) as [[number, number]];
    expect(Math.abs(up / expected - 1)).toBeLessThan(4e-16);
    expect(down).toBe(-up);
  });
});

describe('out of range', () => {
  it('indices and ids are errors that say the range', async () => {
    const gathering = trace([f32(3, 1), i32(1)], (x, index) => [gather(x, index)]);
    await expect(runCpu(gathering, [value(f32(3, 1), [1, 2, 3]), value(i32(1), [3])])).rejects.toThrow(
      'index 3, which is outside 0..2',
    );
    const adding = trace([f32(1), i32(1)], (x, id) => [segmentSum(x, id, { segments: 2 })]);
    await expect(runCpu(adding, [value(f32(1), [1]), value(i32(1), [-1])])).rejects.toThrow(
      'id -1, which is outside 0..1',
    );
  });
});
