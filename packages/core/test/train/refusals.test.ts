import { describe, expect, it } from 'vitest';
import { sgd } from '../../src/optimise/sgd.ts';
import { toFloat16 } from '../../src/numbers/float16.ts';
import { cast } from '../../src/program/ops/create.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f16, f32 } from '../../src/program/tensor-type.ts';
import type { Tensor } from '../../src/program/trace.ts';
import { matches } from '../../src/train/match.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { quadratic } from './problem.ts';

const group = { match: '*', optimizer: sgd(), learningRate: 0.1 };
const a = { shape: [2], data: [1, 2] };
const prototypes = { shape: [1, 2], data: [1, 2] };

describe('is refused with what to do:', () => {
  it.each([
    ['a trainer that trains nothing', { parameters: { a: { ...a, frozen: true } } }, 'at least one parameter'],
    ['no groups', { groups: undefined }, 'groups must be a list of groups'],
    ['an empty list of groups', { groups: [] }, 'groups must be a list of groups'],
    ['no optimiser', { groups: [{ match: '*', learningRate: 0.1 }] }, "optimizer of the group '*' must be"],
    ['no match', { groups: [{ ...group, match: undefined }] }, 'match of a group must be'],
    [
      'an initializer without numbers',
      { parameters: { a: { shape: [2], initialize: () => undefined } } },
      "'a' starts at a list of 2 numbers, but its initializer returned undefined",
    ],
    ['the name __proto__', { parameters: { ['__proto__']: a } }, "cannot be named '__proto__'"],
    ['the name __metadata__', { parameters: { __metadata__: a } }, "cannot be named '__metadata__'"],
    ['tracking without tokens', { parameters: { prototypes }, trackTemperature: { share: 0.5 } }, 'needs tokens'],
    ['tracking of null', { trackTemperature: null }, 'takes an object of options, but got null'],
  ])('%s', async (_, options, text) => {
    const error = await rejection(quadratic(options));
    expect(error.code).toBe('argument');
    expect(error.message).toContain(text);
  });

  it.each([
    ['a loss that returns nothing', { loss: () => undefined }, 'but returned undefined'],
    [
      'tracked tokens that are missing',
      { parameters: { a, prototypes }, trackTemperature: { tokens: () => undefined, share: 0.5 } },
      'but returned undefined',
    ],
  ])('%s', async (_, options, text) => {
    const error = await rejection((await quadratic(options)).step({ x: [1, 2] }));
    expect(error.code).toBe('argument');
    expect(error.message).toContain(text);
  });

  it.each([
    ['a batch of null', null, 'but got null'],
    ['a text as batch', 'ab', "but got the text 'ab'"],
    ['a text', { x: '12' }, "but got the text '12'"],
    ['null', { x: null }, 'but got null'],
    ['a number', { x: 2 }, 'but got 2'],
    ['nested lists', { x: [[1, 2]] }, 'element 0 is an array'],
    ['a text among numbers', { x: [1, '2'] }, "element 1 is the text '2'"],
    ['data that are missing', { x: { data: undefined, shape: [1, 2] } }, 'but got undefined'],
    ['a shape that is none', { x: { data: [1, 2], shape: 2 } }, 'data with the shape 2'],
  ])('%s as batch or input', async (_, batch, text) => {
    const backend = strictBackend();
    const trainer = await quadratic({}, backend);
    const memory = backend.memory();
    for (const run of [() => trainer.step(batch as never), () => trainer.evaluate(batch as never)]) {
      const error = await rejection(run());
      expect(error.code).toBe('argument');
      expect(error.message).toContain(text);
    }
    if (typeof batch !== 'string')
      expect((await rejection(trainer.step([{ x: [1, 2] }, batch as never]))).message).toContain(text);
    expect(backend.memory()).toEqual(memory);
    await trainer.step({ x: [1, 2] });
  });
});

it('plain numbers of a float16 input are rounded to it', async () => {
  const trainer = await createTrainer(strictBackend(), {
    parameters: { p: { shape: [], data: [1] } },
    inputs: { x: f16('n') },
    groups: [group],
    loss: ({ p }, { x }) => ({ loss: mul(p, sum(cast(x, 'float32'))) }),
  });
  const values = [1.5, -2, 0.1, 300];
  const [plain, bits] = [
    await trainer.evaluate({ x: values }),
    await trainer.evaluate({ x: toFloat16(Float64Array.from(values)) }),
  ];
  expect(plain.loss).toBe(bits.loss);
  expect(plain.loss).toBeCloseTo(299.6, 3);
});

describe('a weight that is not finite', () => {
  const weighted = (): ReturnType<typeof quadratic> =>
    quadratic({
      inputs: { x: f32('n', 2), w: f32() },
      loss: (p: { a: Tensor }, { x, w }: { x: Tensor; w: Tensor }) => ({ loss: sum(mul(x, p.a)), weight: w }),
    });

  it.each([NaN, Infinity])('of %s gives no loss and moves nothing', async (weight) => {
    const batch = { x: [3, 4], w: [weight] };
    for (const batches of [batch, [batch, { x: [3, 4], w: [1] }]]) {
      const trainer = await weighted();
      expect((await trainer.evaluate(batches)).loss).toBeNaN();
      await trainer.step(batches);
      expect((await rejection(trainer.check())).code).toBe('data');
      expect([...(await trainer.read())['a']!]).toEqual([1, 2]);
    }
  });

  it('is not one whose square is beyond the range', async () => {
    const trainer = await weighted();
    await trainer.step({ x: [3, 4], w: [1e30] });
    await trainer.check();
    expect((await trainer.report()).loss).toBeCloseTo(11e-30, 35);
  });

  it('is not one of 0, whose sums are left as they are', async () => {
    expect((await (await weighted()).evaluate({ x: [3, 4], w: [0] })).loss).toBe(11);
  });
});

describe('patterns', () => {
  it('have stars for any text, line ends too', () => {
    expect(matches('a\nb', 'a*b')).toBe(true);
    expect(matches('ab', 'a*b')).toBe(true);
    expect(matches('a', 'a*a')).toBe(false);
    expect(matches('abab', 'a*b*b')).toBe(true);
    expect(matches('abab', '*ba*ba*')).toBe(false);
    expect(matches('a.b+c', 'a.b+*')).toBe(true);
    expect(matches('', '**')).toBe(true);
  });

  it('take no time with many stars', () => {
    const before = performance.now();
    expect(matches('a'.repeat(40), `${'*a'.repeat(12)}*b`)).toBe(false);
    expect(performance.now() - before).toBeLessThan(200);
  });
});
