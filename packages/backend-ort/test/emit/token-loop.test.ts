import {
  add,
  assign,
  f32,
  f64,
  forward,
  loss,
  lossAndGradient,
  mul,
  nearest,
  reshape,
  scalar,
  slice,
  tokenSums,
  trace,
  vjp,
  type Program,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import type { Backend, ConcreteType } from '@ddcl/core/backend';
import { cpuBackend } from '@ddcl/backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitProgram } from '../../src/emit/emit-program.ts';
import { tileRows } from '../../src/emit/token-loop/tile-rows.ts';
import { cpuProvider, deviation, normal, runOn } from '../support.ts';

type Quantities = (operands: { tokens: Tensor; weights: Tensor; prototypes: Tensor; temperature: Tensor }) => Tensor[];

function programOf(make: typeof f32, [n, m, k]: readonly [number | string, number, number], body: Quantities): Program {
  const types: TensorType[] = [make(n, m), make(n), make(k, m), make()];
  return trace(types, (tokens, weights, prototypes, temperature) =>
    body({ tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! }),
  );
}

const everything: Quantities = (operands) => {
  const { tokens, weights, prototypes, temperature } = operands;
  const { lq, lols, v } = loss(operands);
  const on = [0.75, -1.25, 0.5].map((each) => scalar(tokens, each));
  return [
    forward(operands),
    lq,
    lols,
    v,
    ...Object.values(lossAndGradient(operands)),
    ...Object.values(tokenSums(operands)),
    assign(operands),
    ...Object.values(nearest(operands)),
    ...vjp([lq, lols, v], on, [tokens, weights, prototypes, temperature]),
    ...vjp([forward(operands)], [mul(tokens, 0.5)], [tokens, prototypes, temperature]),
  ];
};
const names = (
  'y lq lols v lq gradient gradientMass lq lols v hard entropy mass wins q nearest distance lossByTokens lossByWeights lossByPrototypes ' +
  'lossByTemperature yByTokens yByPrototypes yByTemperature'
).split(' ');
/** What is 0 with one prototype. */
const zeros = ['v', 'entropy', 'lossByTemperature', 'yByTokens', 'yByTemperature'];

function nodeTypes(program: Program): string[] {
  return emitProgram(program, { tiled: true })
    .graph.proto('test')
    .node.map(({ opType }) => opType);
}

let backend: Backend;
beforeAll(async () => {
  backend = await cpuProvider();
});
afterAll(() => backend.dispose());

/**
 * Float32 inputs of order 1 that are exact in float64 too. A logit is a sum of m products and is divided by T: with |x| up to about
 * 60 its rounding (6e-8 x sqrt(m) x 60) goes into every assignment; sums over tokens average it.
 */
const tolerance = 5e-5;

describe('tokens in tiles', () => {
  it.each<[string, number, number, number]>([
    ['one tile', 300, 7, 5],
    ['equal tiles', 8192, 6, 64],
    ['tiles and a rest', 4099, 9, 64],
    ['more prototypes than numbers per token', 1531, 4, 600],
    ['fewer prototypes than numbers per token', 4096, 70, 3],
    ['one prototype', 5000, 3, 1],
  ])('%s: every quantity is that of the float64 backend', async (_, n, m, k) => {
    const temperature = 0.4 * m;
    const data = [
      normal(f32(n, m) as ConcreteType, 1),
      normal(f32(n) as ConcreteType, 2).map((x) => (x < -0.5 ? 0 : Math.abs(x))),
      normal(f32(k, m) as ConcreteType, 3),
      Float32Array.of(temperature),
    ];
    const actual = await runOn(backend, programOf(f32, [n, m, k], everything), data);
    const oracle = cpuBackend();
    const expected = await runOn(
      oracle,
      programOf(f64, [n, m, k], everything),
      data.map((each) => Float64Array.from(each)),
    );
    oracle.dispose();
    actual.forEach((values, index) => {
      // With one prototype these are exactly 0, and what is left is rounding.
      const zero = k === 1 && zeros.includes(names[index]!);
      const error = zero ? Math.max(...Array.from(values, Math.abs)) / n : deviation(values, expected[index]!);
      expect(error, names[index]).toBeLessThan(tolerance);
    });
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('hands large rows over in pieces that lie in one array, and goes on with the sums', async () => {
    const [n, m, k] = [66000, 64, 2];
    const body: Quantities = (operands) => [forward(operands), ...Object.values(loss(operands))];
    const { graph, inputPieces, outputPieces } = emitProgram(programOf(f32, [n, m, k], body), {
      tiled: true,
      inPieces: true,
    });
    expect(graph.proto('test').node.filter(({ opType }) => opType === 'Scan')).toHaveLength(2);
    for (const pieces of [inputPieces.get(0)!, outputPieces.get(0)!]) {
      const sizes = pieces.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
      expect(pieces.map(({ start }) => start)).toEqual([0, sizes[0]]);
      expect(sizes[0]! + sizes[1]!).toBe(n * m);
    }
    const data = [
      normal(f32(n, m) as ConcreteType, 1),
      normal(f32(n) as ConcreteType, 2).map(Math.abs),
      normal(f32(k, m) as ConcreteType, 3),
      Float32Array.of(40),
    ];
    const actual = await runOn(backend, programOf(f32, [n, m, k], body), data);
    const oracle = cpuBackend();
    const expected = await runOn(
      oracle,
      programOf(f64, [n, m, k], body),
      data.map((each) => Float64Array.from(each)),
    );
    oracle.dispose();
    actual.forEach((values, index) => expect(deviation(values, expected[index]!)).toBeLessThan(tolerance));
  });

  it('gives zero-weight tokens no say', async () => {
    const [n, m, k] = [4500, 5, 8];
    const program = programOf(f32, [n, m, k], (operands) => Object.values(lossAndGradient(operands)));
    const weights = Float32Array.from({ length: n }, (_, index) => Number(index < 4000));
    const tokens = normal(f32(n, m) as ConcreteType, 4);
    const rest = [weights, normal(f32(k, m) as ConcreteType, 5), Float32Array.of(2)] as const;
    const before = await runOn(backend, program, [tokens, ...rest]);
    tokens.fill(1000, 4000 * m);
    expect(await runOn(backend, program, [tokens, ...rest])).toEqual(before);
  });

  it('keeps the tiles of an N x K array in cache, all tokens in them once', () => {
    expect(tileRows(8192, 64)).toEqual({ tiles: 8, rows: 1024, rest: 0 });
    expect(tileRows(1000, 64)).toBeUndefined();
    for (const [tokens, prototypes] of [
      [16384, 1024],
      [4096, 8192],
      [65536, 64],
      [10007, 100],
      [12345, 3],
    ] as const) {
      const { tiles, rows, rest } = tileRows(tokens, prototypes)!;
      expect(tiles * rows + rest).toBe(tokens);
      expect(rest).toBeLessThan(rows);
      expect(rows * prototypes).toBeLessThanOrEqual(Math.max(1 << 17, 256 * prototypes));
    }
  });
});

describe('the nearest prototypes', () => {
  const nearestOf = (make: typeof f32, n: number | string, m: number, count: number, k: number): Program =>
    trace([make(n, m), make(count, m)], (tokens, prototypes) => Object.values(nearest({ tokens, prototypes }, k)));

  it.each([
    ['one tile', 300, 4, 70, 1],
    ['one tile', 300, 4, 70, 3],
    ['tiles of prototypes', 9000, 3, 700, 1],
    ['tiles of prototypes', 9000, 3, 700, 5],
  ])('%s: n = %i, m = %i, K = %i, k = %i', async (name, n, m, count, k) => {
    expect(nodeTypes(nearestOf(f32, n, m, count, k)).includes('Scan')).toBe(name !== 'one tile');
    // Whole numbers: distances are exact, and there are ties everywhere.
    const whole = (type: ConcreteType, seed: number): Float32Array => normal(type, seed).map((x) => Math.round(2 * x));
    const data = [whole(f32(n, m) as ConcreteType, 1), whole(f32(count, m) as ConcreteType, 2)];
    const oracle = cpuBackend();
    const expected = await runOn(
      oracle,
      nearestOf(f64, n, m, count, k),
      data.map((each) => Float64Array.from(each)),
    );
    oracle.dispose();
    const [indices, distances] = await runOn(backend, nearestOf(f32, n, m, count, k), data);
    expect(Array.from(indices!)).toEqual(Array.from(expected[0]!));
    expect(Array.from(distances!)).toEqual(Array.from(expected[1]!));
  });

  it('come in tiles where the number of tokens is not known', async () => {
    const program = nearestOf(f32, 'n', 2, 1500, 1);
    expect(nodeTypes(program)).toContain('Scan');
    const prototypes = Float32Array.from({ length: 3000 }, (_, index) => Math.floor(index / 2));
    const executable = await backend.compile(program);
    const inputs = [
      backend.upload(f32(3, 2) as ConcreteType, Float32Array.of(0, 0, 1499, 1499, 700.4, 700.4)),
      backend.upload(f32(1500, 2) as ConcreteType, prototypes),
    ];
    const results = await executable.run(inputs);
    expect(Array.from(await backend.download(results[0]!))).toEqual([0, 1499, 700]);
    for (const buffer of [...inputs, ...results]) backend.free(buffer);
    executable.dispose();
  });
});

describe('what is written', () => {
  it('shares one pass between composites of the same operands', () => {
    const types = nodeTypes(programOf(f32, [8192, 6, 64], everything));
    expect(types.filter((type) => type === 'Scan')).toHaveLength(1);
    const whole = nodeTypes(programOf(f32, [100, 6, 64], everything));
    expect(whole.filter((type) => type === 'Softmax')).toHaveLength(1);
  });

  it('computes nothing that no result needs', () => {
    const gradientOnly = nodeTypes(programOf(f32, [100, 6, 64], (operands) => [lossAndGradient(operands).gradient]));
    expect(gradientOnly).not.toContain('Max');
    const lossOnly = nodeTypes(programOf(f32, [100, 6, 64], (operands) => [lossAndGradient(operands).lq]));
    expect(lossOnly.filter((type) => type === 'Gemm')).toHaveLength(1);
  });

  it('starts another pass where weights come later than the first', async () => {
    const program = programOf(f32, [50, 4, 3], (operands) => {
      const q = assign(operands);
      const { lq } = loss({ ...operands, weights: forwardWeights(q) });
      return [q, lq, loss(operands).lq];
    });
    expect(nodeTypes(program).filter((type) => type === 'Softmax')).toHaveLength(2);
    const data = program.parameters.map((type, index) =>
      index === 1
        ? new Float32Array(50).fill(1)
        : index === 3
          ? Float32Array.of(2)
          : normal(type as ConcreteType, index),
    );
    const oracle = cpuBackend();
    const [actual, expected] = [await runOn(backend, program, data), await runOn(oracle, program, data)];
    oracle.dispose();
    actual.forEach((values, index) => expect(deviation(values, expected[index]!)).toBeLessThan(tolerance));
  });

  it('returns what the tiles use too, and a value twice', async () => {
    const [n, m, k] = [5000, 3, 64];
    const program = trace([f32(n, m), f32(k, m), f32()], (tokens, p, temperature) => {
      const prototypes = add(p, 1);
      const y = forward({ tokens, prototypes, temperature });
      return [prototypes, y, y, tokens];
    });
    const data = [normal(f32(n, m) as ConcreteType, 1), normal(f32(k, m) as ConcreteType, 2), Float32Array.of(1)];
    const [prototypes, y, again, tokens] = await runOn(backend, program, data);
    expect(prototypes).toEqual(data[1]!.map((value) => Math.fround(value + 1)));
    expect(again).toEqual(y);
    expect(tokens).toEqual(data[0]);
  });

  it('keeps symbols, so that one graph serves all lengths', () => {
    const { graph } = emitProgram(programOf(f32, ['n', 6, 64], everything), { tiled: true });
    const [tokens] = graph.proto('test').input;
    expect(tokens!.type!.value).toMatchObject({
      value: { shape: { dim: [{ value: { value: 'n' } }, { value: { value: 6n } }] } },
    });
  });
});

/** Weights that depend on the assignments: the share of the first prototype. */
function forwardWeights(q: Tensor): Tensor {
  return reshape(slice(q, [0, 0], [50, 1]), [50]);
}
