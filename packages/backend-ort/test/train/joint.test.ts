import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { cpuProvider, deviation } from '../support.ts';
import { joinedTraining, totalSteps } from './joint-example.ts';
import { JointByHand, type Reported } from './joint-by-hand.ts';

const n = 40;
const random = createRandom(3);
const batches = Array.from({ length: totalSteps }, () => {
  const labels = Int32Array.from({ length: n }, () => random.integer(3));
  const x = Array.from(
    { length: n * 8 },
    (_, index) => (index % 3 === labels[Math.floor(index / 8)]! ? 1.5 : 0) + random.normal(),
  );
  return { x: Float32Array.from(x), weights: Float32Array.from({ length: n }, () => 0.5 + random.uniform()), labels };
});

async function compare(backend: Backend, dtype: 'float32' | 'float64', tolerance: number): Promise<void> {
  const trainer = await joinedTraining(backend, dtype);
  const start = await trainer.state();
  const byHand = new JointByHand(start.parameters, start.statistics[0]!, totalSteps);
  const spread = { ...start.parameters };
  for (const { x, weights, labels } of batches) {
    const own = dtype === 'float32' ? { x, weights } : { x: Float64Array.from(x), weights: Float64Array.from(weights) };
    await trainer.step({ ...own, labels });
    const report: Record<string, number> = { ...(await trainer.report()) };
    const expected = byHand.step({ x, weights, labels });
    for (const name of Object.keys(expected) as (keyof Reported)[])
      expect(Math.abs(report[name]! / expected[name] - 1), `${name} of step ${trainer.steps}`).toBeLessThan(tolerance);
  }
  const parameters = await trainer.read();
  for (const [name, expected] of Object.entries(byHand.parameters)) {
    expect(deviation(parameters[name as keyof typeof parameters], expected), name).toBeLessThan(tolerance);
    // Twenty steps went somewhere.
    expect(deviation(spread[name]!, expected), name).toBeGreaterThan(0.01);
  }
  trainer.dispose();
  expect(backend.memory().buffers).toBe(0);
}

describe('an MLP trained together with prototypes is what gradients by hand make of it, 20 steps', () => {
  it('on cpu in float64', () => compare(cpuBackend(), 'float64', 1e-6));
  it('on cpu in float32', () => compare(cpuBackend(), 'float32', 1e-4));
  it('on ort', async () => compare(await cpuProvider(), 'float32', 1e-4));
});

it("is the example of core's README", async () => {
  const read = async (path: string): Promise<string[]> =>
    (await readFile(new URL(path, import.meta.url), 'utf8')).split('\n').map((line) => line.trim());
  const [example, readme] = [await read('joint-example.ts'), await read('../../../core/README.md')];
  const between = (from: string, to: string): string[] => example.slice(example.indexOf(from) + 1, example.indexOf(to));
  const parts = [
    between("// What follows is the README's.", "// End of what is the README's."),
    between('// And from here too.', '// End.'),
  ];
  for (const lines of parts) {
    const there = readme.indexOf(lines[0]!);
    const shown = lines.map((line) =>
      line.replaceAll('float(', 'f32(').replace(/^totalSteps,$/, 'totalSteps: epochs * batches.batchesPerEpoch,'),
    );
    expect(readme.slice(there, there + lines.length)).toEqual(shown);
  }
  const code = readme.slice(0, readme.indexOf('```', readme.indexOf(parts[1]![0]!)));
  expect(code.length - code.lastIndexOf('```ts') - 1).toBeLessThanOrEqual(45);
});
