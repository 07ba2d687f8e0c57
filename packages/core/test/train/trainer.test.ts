import { describe, expect, it } from 'vitest';
import { deviation } from '../support/ddcl-problems.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { cast } from '../../src/program/ops/create.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64, i32 } from '../../src/program/tensor-type.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { data, decay, leastSquares, rates, rows, rowsOf, start, totalSteps, width } from './problem.ts';

/** The same training by hand, in loops: momentum 0.5 for the bias, AdamW for the weight, the gradient clipped over both. */
function byHand(
  steps: number,
  clipNorm = Infinity,
  factor = 1.5,
): { weight: number[]; bias: number; loss: number; norm: number } {
  const [weight, mean, square] = [[...start['model.weight']], [0, 0, 0], [0, 0, 0]];
  let [bias, velocity, loss, norm] = [start['model.bias'][0]!, 0, 0, 0];
  const scale = start.scale[0]!;
  const total = data.a.reduce((sum, a) => sum + a, 0);
  for (let step = 1; step <= steps; step++) {
    const gradient = Array.from({ length: width }, () => 0);
    let [biasGradient, squares] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const x = data.x.slice(row * width, (row + 1) * width);
      const error = scale * (x.reduce((sum, value, axis) => sum + value * weight[axis]!, 0) + bias) - data.y[row]!;
      squares += data.a[row]! * error * error;
      x.forEach((value, axis) => (gradient[axis]! += (2 * factor * data.a[row]! * error * scale * value) / total));
      biasGradient += (2 * factor * data.a[row]! * error * scale) / total;
    }
    loss = (factor * squares) / total;
    norm = Math.hypot(...gradient, biasGradient);
    const clip = norm > clipNorm ? clipNorm / norm : 1;
    velocity = 0.5 * velocity + clip * biasGradient;
    bias -= rates.bias * velocity;
    const rate = rates.weight((step - 1) / (totalSteps - 1));
    gradient.forEach((each, axis) => {
      const g = clip * each;
      mean[axis] = 0.9 * mean[axis]! + 0.1 * g;
      square[axis] = 0.999 * square[axis]! + 0.001 * g * g;
      const direction = mean[axis]! / (1 - 0.9 ** step) / (Math.sqrt(square[axis]! / (1 - 0.999 ** step)) + 1e-8);
      weight[axis] = weight[axis]! - rate * (direction + decay * weight[axis]!);
    });
  }
  return { weight, bias, loss, norm };
}

// float64, 25 steps; 1 - beta^t as 1 - exp(t log beta) loses three digits of 1e-16 at the first steps.
const tolerance = 1e-12;

describe('a trainer', () => {
  it.each([
    ['as it is', undefined],
    ['clipped', 0.7],
    ['with a limit that no gradient reaches', 1e6],
  ])('moves parameters as loops by hand do, %s', async (_, clipNorm) => {
    const backend = strictBackend();
    const trainer = await leastSquares(clipNorm === undefined ? {} : { clipNorm }, backend);
    for (let step = 0; step < totalSteps; step++) await trainer.step(rowsOf(0, rows), { factor: 1.5 });
    const { 'model.weight': weight, 'model.bias': bias, scale } = await trainer.read();
    const expected = byHand(totalSteps, clipNorm);
    expect(deviation([...weight, ...bias], [...expected.weight, expected.bias])).toBeLessThan(tolerance);
    expect([...scale]).toEqual(start.scale);
    const report = await trainer.report();
    expect(Object.keys(report).sort()).toEqual(['gradientNorm', 'loss', 'squares', 'weight']);
    const shown = [report.loss, report.squares, report.gradientNorm, report.weight!];
    const total = data.a.reduce((sum, a) => sum + a, 0);
    expect(deviation(shown, [expected.loss, expected.loss / 1.5, expected.norm, total])).toBeLessThan(tolerance);
    expect(trainer.steps).toBe(totalSteps);
    trainer.dispose();
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });

  it.each([1, 3, 7])('adds %i batches up to the step of one', async (parts) => {
    const backend = strictBackend();
    const trainer = await leastSquares({ clipNorm: 0.7 }, backend);
    for (let step = 0; step < totalSteps; step++) {
      const cuts = Array.from({ length: parts + 1 }, (_, index) => Math.round((index * rows) / parts));
      const batches = cuts.slice(1).map((to, index) => rowsOf(cuts[index]!, to));
      await trainer.step(batches, { factor: 1.5 });
    }
    const { 'model.weight': weight, 'model.bias': bias } = await trainer.read();
    const expected = byHand(totalSteps, 0.7);
    expect(deviation([...weight, ...bias], [...expected.weight, expected.bias])).toBeLessThan(tolerance);
    expect((await trainer.report()).loss).toBeCloseTo(expected.loss, 12);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });

  it('takes means of batches alike where the loss gives no weight', async () => {
    const trainer = await leastSquares({ isSum: false });
    const [first, second] = [rowsOf(0, 10), rowsOf(10, 14)];
    const values = await Promise.all(
      [[first, second], first, second].map((each) => trainer.evaluate(each, { factor: 3 })),
    );
    const [both, one, other] = values.map(({ loss }) => loss) as [number, number, number];
    expect(both).toBeCloseTo((one + other) / 2, 12);
    await trainer.step([first, second], { factor: 3 });
    const report = await trainer.report();
    expect(report.loss).toBeCloseTo(both, 12);
    expect(report.loss).toBeCloseTo(3 * report.squares, 12);
    expect('weight' in report).toBe(false);
  });

  it('evaluates without moving', async () => {
    const backend = strictBackend();
    const trainer = await leastSquares({}, backend);
    const before = await trainer.toBytes();
    const values = await trainer.evaluate([rowsOf(0, 4), rowsOf(4, rows)], { factor: 1.5 });
    expect(values.loss).toBeCloseTo(byHand(1).loss, 12);
    expect(values.weight).toBeCloseTo(
      data.a.reduce((sum, a) => sum + a, 0),
      12,
    );
    expect(await trainer.toBytes()).toEqual(before);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
  });

  it('takes steps that are not awaited in order, and copies their batches at once', async () => {
    const trainer = await leastSquares();
    const batch = { x: Float64Array.from(data.x), y: Float64Array.from(data.y), a: Float64Array.from(data.a) };
    const steps = Array.from({ length: 5 }, () => trainer.step(batch, { factor: 1.5 }));
    batch.x.fill(NaN);
    await Promise.all(steps);
    const { 'model.weight': weight } = await trainer.read();
    expect(deviation([...weight], byHand(5).weight)).toBeLessThan(tolerance);
  });

  it('leaves reports out where they are not wanted', async () => {
    const trainer = await leastSquares({ reports: false });
    for (let step = 0; step < 4; step++)
      await trainer.step(step % 2 === 0 ? rowsOf(0, rows) : [rowsOf(0, 8), rowsOf(8, rows)], { factor: 1.5 });
    const { 'model.weight': weight, 'model.bias': bias } = await trainer.read();
    const expected = byHand(4);
    expect(deviation([...weight, ...bias], [...expected.weight, expected.bias])).toBeLessThan(tolerance);
    expect(await rejection(trainer.report())).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('reports: false'),
    });
    await trainer.check();
    await trainer.step({ ...rowsOf(0, 3), y: [0, NaN, 0] }, { factor: 1 });
    expect((await rejection(trainer.check())).message).toContain('step 5');
    expect([...(await trainer.read())['model.weight']]).toEqual([...weight]);
  });

  it('compiles one program for each set of sizes, whatever changes from step to step', async () => {
    const backend = strictBackend();
    const compiled: string[] = [];
    const counting = {
      ...backend,
      compile: (program: Parameters<typeof backend.compile>[0]) => (
        compiled.push(program.name),
        backend.compile(program)
      ),
    };
    const trainer = await leastSquares({ clipNorm: 1 }, counting as typeof backend);
    for (let step = 0; step < totalSteps; step++) {
      await trainer.step(rowsOf(0, 10), { factor: 1 / (1 + step) });
      await trainer.step([rowsOf(0, 10), rowsOf(0, 8), rowsOf(2, 10)], { factor: step });
    }
    expect(compiled.sort()).toEqual(['accumulate', 'accumulate', 'train step', 'train update']);
  });
});

describe('a loss that is not finite', () => {
  it.each([
    ['in a step of one batch', (batch: object) => batch],
    ['in a step of several', (batch: object) => [rowsOf(0, 5), batch]],
  ])('stops the run %s; the last good state stays', async (_, batches) => {
    const trainer = await leastSquares();
    for (let step = 0; step < 3; step++) await trainer.step(rowsOf(0, rows), { factor: 1 });
    const good = await trainer.toBytes();
    const bad = { ...rowsOf(0, 5), y: [NaN, 0, 0, 0, 0] };
    await trainer.step(batches(bad) as typeof bad, { factor: 1 });
    await trainer.step(rowsOf(0, rows), { factor: 1 });
    for (const asked of [trainer.report(), trainer.check()]) {
      const error = await rejection(asked);
      expect(error.code).toBe('data');
      expect(error.message).toContain('step 4');
      expect(error.message).toContain('learning rate');
    }
    expect(await trainer.toBytes()).toEqual(good);
    await trainer.restore(good);
    await trainer.step(rowsOf(0, rows), { factor: 1 });
    expect(trainer.steps).toBe(4);
    expect(Number.isFinite((await trainer.report()).loss)).toBe(true);
  });

  it.each([Infinity, 1e200])('is one of %s too, and is found within 64 steps', async (value) => {
    const trainer = await leastSquares();
    const run = async (): Promise<void> => {
      for (let step = 0; step < 64; step++)
        await trainer.step({ ...rowsOf(0, 1), y: [step === 10 ? value : 1] }, { factor: 1 });
    };
    expect((await rejection(run())).message).toContain('step 11');
  });

  it('keeps names of its own reports to itself', async () => {
    const options = {
      parameters: { p: { shape: [], data: [1] } },
      inputs: { x: f64('n') },
      groups: [{ match: 'p', optimizer: sgd(), learningRate: 0.1 }],
      dtype: 'float64',
    } as const;
    const trainer = await createTrainer(strictBackend(), {
      ...options,
      loss: ({ p }, { x }) => ({ loss: mul(p, sum(x)), gradientNorm: sum(x) }),
    });
    const error = await rejection(trainer.step({ x: [1, 2] }));
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining("'gradientNorm'") });
  });

  it('takes whole numbers alone where it takes int32', async () => {
    const trainer = await createTrainer(strictBackend(), {
      parameters: { p: { shape: [], data: [1] } },
      inputs: { labels: i32('n') },
      groups: [{ match: 'p', optimizer: sgd(), learningRate: 0.1 }],
      dtype: 'float64',
      loss: ({ p }, { labels }) => ({ loss: mul(p, sum(cast(labels, 'float64'))) }),
    });
    await trainer.step({ labels: [0, 2] });
    const error = await rejection(trainer.step({ labels: [0, 2.7] }));
    expect(error).toMatchObject({ code: 'data', message: expect.stringContaining('number 1 is 2.7') });
  });
});
