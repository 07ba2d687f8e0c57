import { describe, expect, it } from 'vitest';
import { assign } from '../../src/ddcl/assign.ts';
import { forward } from '../../src/ddcl/forward.ts';
import { hessianProduct } from '../../src/ddcl/hessian-product.ts';
import { loss, lossAndGradient } from '../../src/ddcl/loss.ts';
import { nearest } from '../../src/ddcl/nearest.ts';
import { segmentMass, segmentSums } from '../../src/ddcl/segments.ts';
import { tokenSums } from '../../src/ddcl/token-sums.ts';
import { f32, f64, i32, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { errorOf } from '../support/run.ts';

type Call = (tokens: Tensor, weights: Tensor, prototypes: Tensor, temperature: Tensor, ids: Tensor) => unknown;

const calls: Record<string, Call> = {
  'ddcl.assign/1': (tokens, _, prototypes, temperature) => assign({ tokens, prototypes, temperature }),
  'ddcl.forward/1': (tokens, _, prototypes, temperature) => forward({ tokens, prototypes, temperature }),
  'ddcl.loss/1': (tokens, weights, prototypes, temperature) => loss({ tokens, weights, prototypes, temperature }),
  'ddcl.lossAndGradient/2': (tokens, weights, prototypes, temperature) =>
    lossAndGradient({ tokens, weights, prototypes, temperature }),
  'ddcl.tokenSums/1': (tokens, weights, prototypes, temperature) =>
    tokenSums({ tokens, weights, prototypes, temperature }),
  'ddcl.hessianProduct/1': (tokens, weights, prototypes, temperature) =>
    hessianProduct({ tokens, weights, prototypes, temperature }, prototypes),
  'ddcl.segmentMass/1': (tokens, weights, prototypes, temperature, ids) =>
    segmentMass({ tokens, weights, prototypes, temperature, ids }, 2),
  'ddcl.segmentSums/1': (tokens, weights, prototypes, temperature, ids) =>
    segmentSums({ tokens, weights, prototypes, temperature, ids }, 2),
};

const good: readonly TensorType[] = [f32(5, 3), f32(5), f32(2, 3), f32(), i32(5)];
const types = (changed: Readonly<Record<number, TensorType>>): TensorType[] =>
  good.map((type, index) => changed[index] ?? type);

function errorFor(call: Call, given: readonly TensorType[]): ReturnType<typeof errorOf> {
  return errorOf(() =>
    trace(given, (...inputs) => {
      call(...(inputs as [Tensor, Tensor, Tensor, Tensor, Tensor]));
      return [];
    }),
  );
}

describe.each(Object.entries(calls))('%s', (op, call) => {
  const weighted = op !== 'ddcl.assign/1' && op !== 'ddcl.forward/1';

  it.each([
    ['tokens of another dimension', { 0: f32(5, 4) }],
    ['tokens that are no matrix', { 0: f32(15) }],
    ['prototypes that are no matrix', { 2: f32(3) }],
    ['a temperature that is no scalar', { 3: f32(1) }],
  ] as const)('refuses %s', (_, changed) => {
    const error = errorFor(call, types(changed));
    expect(error).toMatchObject({ code: 'shape', op });
    expect(error.message).toContain(`${op} takes tokens [n, m], prototypes [K, m], a scalar temperature`);
  });

  it.each(weighted ? [4] : [])('refuses another number of weights: %i', () => {
    const error = errorFor(call, types({ 1: f32(4) }));
    expect(error).toMatchObject({ code: 'shape', op });
    expect(error.message).toContain('weights f32[4]');
  });

  it.each([
    ['mixed floats', { 2: f64(2, 3) }],
    ['integers', { 0: i32(5, 3) }],
  ] as const)('refuses %s', (_, changed) => {
    const error = errorFor(call, types(changed));
    expect(error).toMatchObject({ code: 'dtype', op });
    expect(error.message).toContain('takes floats of one dtype');
  });
});

describe('ddcl.hessianProduct/1', () => {
  it('refuses a direction of another shape', () => {
    const error = errorFor(
      (tokens, weights, prototypes, temperature) =>
        hessianProduct({ tokens, weights, prototypes, temperature }, weights),
      good,
    );
    expect(error).toMatchObject({
      code: 'shape',
      message: expect.stringContaining("the prototypes' type f32[2,3], but got f32[5]"),
    });
  });
});

describe('ddcl.nearest/1', () => {
  it('refuses tokens of another dimension', () => {
    const error = errorFor((tokens, _, prototypes) => nearest({ tokens, prototypes }), types({ 0: f32(5, 4) }));
    expect(error).toMatchObject({
      code: 'shape',
      message: expect.stringContaining(
        'ddcl.nearest/1 takes tokens [n, m], prototypes [K, m], but got tokens f32[5,4]',
      ),
    });
  });

  it.each([0, 3, 1.5, -1, Number.NaN])('refuses %d of two prototypes', (k) => {
    const error = errorFor((tokens, _, prototypes) => nearest({ tokens, prototypes }, k), good);
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining(`is ${k} for K = 2`) });
  });

  it('takes any number of prototypes for one, and a known one for several', () => {
    const call =
      (k?: number): Call =>
      (tokens, _, prototypes) =>
        nearest({ tokens, prototypes }, k);
    expect(() => errorFor(call(), types({ 2: f32('K', 3) }))).toThrow('nothing was thrown');
    expect(errorFor(call(2), types({ 2: f32('K', 3) })).message).toContain('for K = K');
  });
});

describe('sizes by name', () => {
  it('any number of tokens can be traced once', () => {
    const program = trace([f32('n', 3), f32('n'), f32(2, 3), f32()], (tokens, weights, prototypes, temperature) =>
      Object.values(tokenSums({ tokens, weights, prototypes, temperature })),
    );
    expect(program.instructions).toHaveLength(1);
  });

  it('segmentSums needs the number of prototypes', () => {
    const error = errorFor(calls['ddcl.segmentSums/1']!, types({ 2: f32('K', 3) }));
    expect(error).toMatchObject({ code: 'shape', message: expect.stringContaining('prototypes of known shape') });
  });
});
