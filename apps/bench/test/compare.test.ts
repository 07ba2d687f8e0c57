import { cpuBackend } from '@ddcl/backend-cpu';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backendForward, backendStep } from '../src/compare/backend-contestants.ts';
import { compareShape, requireAll, type ShapeComparison, type Timing } from '../src/compare/compare-shape.ts';
import { requireAgreement, type Contestant } from '../src/compare/contestant.ts';
import { drawRatios } from '../src/compare/chart.ts';
import { makeInputs } from '../src/compare/inputs.ts';
import { formatReport } from '../src/compare/markdown.ts';
import { over, ratiosOf } from '../src/compare/summary.ts';
import { measureMemory } from '../src/compare/memory.ts';

const shape = { tokens: 40, dimension: 3, prototypes: 4 };

function timing(name: string, work: Timing['work'], median: number, eager = false): Timing {
  return { name, work, eager, rounds: 3, milliseconds: { median, min: median / 2, max: 2 * median } };
}

const made = (factor: number): ShapeComparison => ({
  shape,
  torch: '2.0',
  leftOut: { 'compile: products': 'no compiler' },
  timings: [
    timing('ours', 'step', 2),
    timing('products', 'step products', 1),
    timing('torch products, autograd', 'step', 8 * factor, true),
    timing('torch two', 'step', 6 * factor, true),
    timing('torch compiled', 'step', 1),
    timing('ours', 'forward', 3),
    timing('products', 'forward products', 2.4),
    timing('torch SDPA', 'forward', 4.5),
    timing('torch products', 'forward', 3),
  ],
});

describe('ratios', () => {
  it('take the best eager form, and SDPA', () => {
    expect(ratiosOf(made(1))).toEqual({
      stepOverAutograd: 4,
      stepOverTorch: 3,
      stepOfRoofline: 0.5,
      forwardOverSdpa: 1.5,
      forwardOfRoofline: 2.4 / 3,
    });
    const alone = { ...made(1), timings: made(1).timings.filter(({ name }) => !name.startsWith('torch')) };
    expect(ratiosOf(alone)).toMatchObject({ stepOverTorch: undefined, forwardOverSdpa: undefined });
  });

  it('can be those of the quickest rounds', () => {
    const comparison = made(1);
    const [step, ...others] = comparison.timings;
    const disturbed = { ...step!, milliseconds: { median: 8, min: 1, max: 9 } };
    expect(ratiosOf({ ...comparison, timings: [disturbed, ...others] }, 'min')).toEqual(ratiosOf(comparison));
  });

  it('leave out a query made beforehand', () => {
    const quick = timing('torch SDPA, query made beforehand', 'forward', 0.1);
    expect(ratiosOf({ ...made(1), timings: [...made(1).timings, quick] })).toEqual(ratiosOf(made(1)));
  });

  it('are summed up by geometric mean and minimum', () => {
    const both = over(
      [made(1), made(4)].map((each) => ratiosOf(each)),
      'stepOverTorch',
    )!;
    expect(both.mean).toBeCloseTo(6, 12);
    expect(both.least).toBe(3);
    expect(over([], 'stepOfRoofline')).toBeUndefined();
  });

  it('are on the page and in the chart', () => {
    const page = formatReport({
      date: '2026-01-01',
      machine: 'a machine',
      versions: 'some',
      command: 'bench',
      threads: 2,
      rounds: 3,
      comparisons: [made(1), made(4)],
      overhead: { runs: 5, backend: 30, session: 20, difference: 10 },
      memory: { steps: 10, points: [{ step: 0, megabytes: 100 }] },
    });
    expect(page).toContain('| 40, 3, 4 | 4.00 | 3.00 | 0.50 | 1.50 | 0.80 |');
    expect(page).toContain('| **geometric mean** | 8.00 | 6.00 | 0.50 | 1.50 | 0.80 |');
    expect(page).toContain('Left out: compile: products (no compiler).');
    expect(page).toContain('10 microseconds');
    expect(drawRatios([made(1)])).toContain('<svg');
  });
});

describe('contestants', () => {
  it('agree before they are timed', async () => {
    const backend = cpuBackend();
    const plain = cpuBackend({ fused: false });
    const inputs = makeInputs(shape);
    const contestants = await Promise.all([
      backendStep(backend, inputs),
      backendStep(plain, inputs),
      backendForward(backend, inputs),
      backendForward(plain, inputs),
    ]);
    await requireAll(contestants);
    const wrong: Contestant = {
      ...contestants[1]!,
      name: 'the wrong one',
      check: async () => {
        const results = await contestants[1]!.check!();
        return { ...results, lq: (results['lq'] as number) * 1.01 };
      },
    };
    await expect(requireAll([contestants[0]!, wrong])).rejects.toThrow('the wrong one differs in lq by 1.0e-2');
    for (const contestant of contestants) contestant.dispose();
    inputs.remove();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('must give what the others give', () => {
    expect(() => requireAgreement('x', {}, { lq: 1 })).toThrow('x gives no lq');
    expect(() => requireAgreement('x', { y: [1] }, { y: [1, 2] })).toThrow('1 numbers as y instead of 2');
    expect(() => requireAgreement('x', { y: [1, NaN] }, { y: [1, 2] })).toThrow('differs in y');
    expect(() => requireAgreement('x', { y: [1, 2.0001] }, { y: [1, 2] })).not.toThrow();
    expect(() => requireAgreement('x', { y: [1, 2.001] }, { y: [1, 2] })).toThrow('differs in y');
    expect(() => requireAgreement('x', { mean: [1, 2.001] }, { mean: [1, 2] })).not.toThrow();
    expect(() => requireAgreement('x', { mean: [1, 2.01] }, { mean: [1, 2] })).toThrow('differs in mean');
  });

  it('are timed round by round, and what is missing is named', async () => {
    const backend = cpuBackend();
    const options = { rounds: 2, threads: 1, tfjs: true };
    const result = await compareShape(backend, shape, { ...options, python: undefined });
    expect(result.timings.map(({ name, work, rounds }) => [name, work, rounds])).toEqual([
      ['cpu', 'step', 2],
      ['cpu, its matrix products alone', 'step products', 2],
      ['cpu', 'forward', 2],
      ['cpu, its matrix products alone', 'forward products', 2],
      ['tfjs wasm', 'step', 2],
    ]);
    expect(result.leftOut).toEqual({ torch: 'no --python' });
    const without = await compareShape(backend, shape, { ...options, tfjs: false, python: '/nowhere/python' });
    expect(without.leftOut['torch']).toContain('/nowhere/python could not be started');
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('memory', () => {
  it('is looked at from the first step to the last', async () => {
    const backend = cpuBackend();
    const { points } = await measureMemory(backend, 10);
    expect(points.map(({ step }) => step)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('the command', () => {
  it.each([
    [['compare', '--rounds', '0'], 'whole number >= 1'],
    [['compare', '--shapes', '1,2'], 'Expected N,m,K'],
    [['step', '--backend', 'gpu'], 'Allowed choices are cpu, ort'],
    [['memory', '--steps', 'many'], 'whole number >= 1'],
  ])('refuses %s', (args, text) => {
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });
});
