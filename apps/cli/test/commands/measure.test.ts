import { fromFloat16, toFloat16, writeSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusters, ddcl, ddclInTurn, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();
const tokens = clusters(70, 3, 3);
const prototypes = [
  [0.5, 1, -1],
  [4, -3, 2],
  [-6, 2, 0],
  [1, 7, 3],
];
const temperature = 9;

interface Measures {
  readonly tokens: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  readonly totalVariance: number;
  readonly explainedVariance: number;
  readonly loss: { lq: number; lols: number; v: number; hard: number; defect: number };
  readonly separation: { mean: number; min: number };
  readonly entropy: number;
  readonly used: number;
  readonly distinct: number;
  readonly perplexity: number;
  readonly seconds: number;
}

/** The quantities by their definitions, in doubles. */
function byHand(
  weights: readonly number[],
): Pick<Measures, 'totalVariance' | 'loss' | 'separation' | 'entropy' | 'used' | 'perplexity'> {
  const weight = weights.reduce((sum, own) => sum + own, 0);
  const total = { lq: 0, lols: 0, v: 0, hard: 0, entropy: 0 };
  const share = prototypes.map(() => 0);
  const nearest = new Set<number>();
  const square = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x, axis) => sum + (x - b[axis]!) ** 2, 0);
  for (const [index, row] of tokens.rows.entries()) {
    const own = weights[index]! / weight;
    const distances = prototypes.map((prototype) => square(row, prototype));
    const raw = distances.map((distance) => Math.exp(-distance / temperature));
    const sum = raw.reduce((all, value) => all + value, 0);
    const q = raw.map((value) => value / sum);
    const output = row.map((_, axis) => prototypes.reduce((all, p, k) => all + q[k]! * p[axis]!, 0));
    total.lq += own * q.reduce((all, value, k) => all + value * distances[k]!, 0);
    total.lols += own * square(row, output);
    total.v += own * q.reduce((all, value, k) => all + value * square(prototypes[k]!, output), 0);
    total.hard += own * Math.min(...distances);
    total.entropy -= own * q.reduce((all, value) => all + value * Math.log(value), 0);
    q.forEach((value, k) => (share[k]! += own * value));
    if (own > 0) nearest.add(distances.indexOf(Math.min(...distances)));
  }
  const pairs = prototypes.flatMap((a, k) => prototypes.slice(0, k).map((b) => Math.sqrt(square(a, b))));
  const { entropy, ...loss } = total;
  const mean = tokens.rows[0]!.map((_, axis) =>
    tokens.rows.reduce((sum, row, index) => sum + (weights[index]! / weight) * row[axis]!, 0),
  );
  return {
    totalVariance: tokens.rows.reduce((sum, row, index) => sum + (weights[index]! / weight) * square(row, mean), 0),
    loss: { ...loss, defect: 0 },
    separation: { mean: pairs.reduce((sum, value) => sum + value, 0) / pairs.length, min: Math.min(...pairs) },
    entropy,
    used: nearest.size / prototypes.length,
    perplexity: Math.exp(-share.reduce((sum, value) => sum + value * Math.log(value), 0)),
  };
}

function expectMeasured(measures: Measures, weights: readonly number[], digits: number): void {
  const wanted = byHand(weights);
  for (const key of ['lq', 'lols', 'v', 'hard', 'defect'] as const)
    expect(measures.loss[key], key).toBeCloseTo(wanted.loss[key], digits);
  for (const key of ['mean', 'min'] as const)
    expect(measures.separation[key], key).toBeCloseTo(wanted.separation[key], digits);
  for (const key of ['entropy', 'used', 'perplexity', 'totalVariance'] as const)
    expect(measures[key], key).toBeCloseTo(wanted[key], digits);
  expect(measures.explainedVariance).toBeCloseTo(1 - wanted.loss.hard / wanted.totalVariance, digits);
}

const measure = (...rest: string[]): string[] => [
  'measure',
  folder.at('tokens.npy'),
  '--prototypes',
  folder.at('prototypes.npy'),
  '--temperature',
  String(temperature),
  '--json',
  ...rest,
];

beforeAll(() => {
  folder.write('tokens.npy', npy([70, 3], 'float32', tokens.flat));
  folder.write('prototypes.npy', npy([4, 3], 'float64', prototypes.flat()));
});

describe('ddcl measure', () => {
  it('gives what the definitions say, in float32 and float64', async () => {
    const ones = tokens.rows.map(() => 1);
    const [single, double] = (await ddclInTurn([measure(), measure('--dtype', 'float64')])).map(
      ({ stdout }) => JSON.parse(stdout) as Measures,
    );
    expectMeasured(single!, ones, 4);
    expectMeasured(double!, ones, 10);
    expect(double).toMatchObject({ tokens: 70, temperature, distinct: 4 });
  });

  it('takes weights and labels with tokens in half precision too', async () => {
    const bits = toFloat16(Float32Array.from(tokens.flat));
    const tensors = new Map([['tokens', { dtype: 'F16' as const, shape: [70, 3], data: bits }]]);
    folder.write('half.safetensors', Buffer.from(writeSafetensors(tensors)));
    folder.write('rounded.npy', npy([70, 3], 'float32', [...fromFloat16(bits)]));
    folder.write(
      'some.npy',
      npy(
        [70],
        'float64',
        tokens.rows.map((_, index) => [1, 0, 2.5, 0.25][index % 4]!),
      ),
    );
    folder.write('labels.txt', tokens.rows.map((_, index) => `class ${index % 3}\n`).join(''));
    const of = (file: string, ...rest: string[]): string[] =>
      measure('--labels', folder.at('labels.txt'), ...rest).map((word) =>
        word === folder.at('tokens.npy') ? folder.at(file) : word,
      );
    const weighted = ['--weights', folder.at('some.npy')];
    const [plain, plainNumbers, some, someNumbers] = (
      await ddclInTurn([
        of('half.safetensors'),
        of('rounded.npy'),
        of('half.safetensors', ...weighted),
        of('rounded.npy', ...weighted),
      ])
    ).map(({ stdout }) => JSON.parse(stdout) as Measures & { labels: object });
    for (const [half, numbers] of [
      [plain!, plainNumbers!],
      [some!, someNumbers!],
    ] as const) {
      // Float32 on the way, of numbers up to 10: four digits behind the point.
      expect(half.loss.lq).toBeCloseTo(numbers.loss.lq, 4);
      expect(half.labels).toEqual(numbers.labels);
    }
    expect(Math.abs(some!.loss.lq - plain!.loss.lq)).toBeGreaterThan(0.01);
    // Tokens of weight 0 have a class as well.
    expect(some!.labels).toEqual(plain!.labels);
  });

  it.each([1e300, 1e-300])('takes weights of any scale: %d', async (scale) => {
    const weights = tokens.rows.map((_, index) => [1, 0, 2.5, 0.25][index % 4]!);
    folder.write(
      'scaled.npy',
      npy(
        [70],
        'float64',
        weights.map((weight) => weight * scale),
      ),
    );
    const { stdout } = await ddcl(measure('--weights', folder.at('scaled.npy')));
    expectMeasured(JSON.parse(stdout) as Measures, weights, 4);
  });

  it('takes weights, and tokens of weight 0 change nothing', async () => {
    const weights = tokens.rows.map((_, index) => [1, 0, 2.5, 0.25][index % 4]!);
    folder.write('weights.npy', npy([70], 'float64', weights));
    const kept = tokens.rows.filter((_, index) => weights[index]! > 0);
    folder.write('kept.npy', npy([kept.length, 3], 'float32', kept.flat()));
    folder.write(
      'kept-weights.npy',
      npy(
        [kept.length],
        'float64',
        weights.filter((weight) => weight > 0),
      ),
    );
    const [all, fewer] = (
      await ddclInTurn([
        measure('--dtype', 'float64', '--weights', folder.at('weights.npy')),
        measure('--dtype', 'float64', '--weights', folder.at('kept-weights.npy')).map((word) =>
          word.replace('tokens.npy', 'kept.npy'),
        ),
      ])
    ).map(({ stdout }) => JSON.parse(stdout) as Measures);
    expectMeasured(all!, weights, 10);
    expectMeasured(fewer!, weights, 10);
    expect(all!.criticalTemperature).toBeCloseTo(fewer!.criticalTemperature, 10);
  });

  it('warns at or above the critical temperature, and measures', async () => {
    const { status, stdout, stderr } = await ddcl(measure('--temperature', '10000'));
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: T = 10000 is not below the critical temperature [\d.]+: /);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('warning: ')),
    ).toBe(true);
    const { loss, criticalTemperature } = JSON.parse(stdout) as Measures;
    expect(loss.defect).toBeLessThan(1e-5);
    expect(criticalTemperature).toBeLessThan(10000);
  });

  it('measures a model at its temperature or another', async () => {
    await succeed(['fit', folder.at('tokens.npy'), '--prototypes', '3', '--epochs', '40', '--out', folder.at('model')]);
    const args = ['measure', folder.at('tokens.npy'), '--prototypes', folder.at('model'), '--json'];
    const [own, other, shared] = (
      await ddclInTurn([args, [...args, '--temperature', '3'], [...args, '--temperature', '0.1tc']])
    ).map(({ stdout }) => JSON.parse(stdout) as Measures);
    const config = folder.json('model/config.json') as { measures: Measures };
    // A fit sums over tokens as they lie on the device, in blocks of another size: float32 sums differ by about 1e-7 of them.
    const rounded = (measures: Measures): unknown =>
      JSON.parse(
        JSON.stringify({ ...measures, seconds: undefined }, (_name, value: unknown) =>
          typeof value === 'number' ? (Math.abs(value) < 1e-12 ? 0 : Number(value.toPrecision(5))) : value,
        ),
      );
    expect(rounded(own!)).toEqual(rounded(config.measures));
    expect(other!.temperature).toBe(3);
    expect(shared!.temperature).toBe(0.1 * own!.criticalTemperature);
    expect(other!.loss.hard).toBeCloseTo(own!.loss.hard, 5);
    expect(other!.entropy).toBeGreaterThan(own!.entropy);
  });

  it('explains nothing where all tokens are equal', async () => {
    folder.write('equal.npy', npy([5, 3], 'float32', Array<number>(15).fill(2)));
    const { stdout } = await ddcl(measure().map((word) => word.replace('tokens.npy', 'equal.npy')));
    expect(JSON.parse(stdout)).toMatchObject({ totalVariance: 0, explainedVariance: null });
  });

  it('prints lines without --json', async () => {
    const { status, stdout } = await ddcl(measure().filter((word) => word !== '--json'));
    expect(status).toBe(0);
    for (const text of ['loss L_q', '70 of dimension 3', 'explained by the prototypes', 'Hessian eigenvalues'])
      expect(stdout).toContain(text);
  });
});
