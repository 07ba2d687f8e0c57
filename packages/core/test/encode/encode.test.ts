import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { encodeSegments } from '../../src/encode/encode-segments.ts';
import { encodeTokens, type EncodedRows } from '../../src/encode/encode-tokens.ts';
import { outputShape, type SegmentOutput, type TokenOutput } from '../../src/encode/outputs.ts';
import type { DdclModel } from '../../src/model/model.ts';
import { expandComposites } from '../../src/program/expand.ts';
import { valueTypes, type Program } from '../../src/program/program.ts';
import { createRandom } from '../../src/random/random.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromIterable } from '../../src/tokens/from-iterable.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { deviation } from '../support/ddcl-problems.ts';
import { assignmentsOf, outputsOf, rowsOf, segmentsOf, type Problem } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend, type StrictBackend } from '../support/strict-backend.ts';

const [n, count, dimension] = [23, 3, 2];
const random = createRandom(7);
const normals = (length: number): Float64Array => Float64Array.from({ length }, () => 5 + 2 * random.normal());
const tokens = normals(n * dimension);
const weights = Float64Array.from({ length: n }, (_, index) => (index % 6 === 5 ? 0 : 0.5 + (index % 3)));
const model: DdclModel = {
  count,
  dimension,
  dtype: 'float64',
  prototypes: normals(count * dimension),
  temperature: 3,
  criticalTemperature: 9,
  offset: Float64Array.of(5, 4.5),
  scale: 2.5,
  totalVariance: 8,
};
const source = tokensFromReader(tokensFromArray(tokens, dimension, weights));

const problem: Problem = {
  tokens: rowsOf(tokens, dimension),
  weights: Array.from(weights),
  prototypes: rowsOf(model.prototypes, dimension),
  temperature: model.temperature,
};

/** A backend whose device blocks hold `rows` tokens, 2 at least: the prototypes must fit too. */
const backendOf = (rows: number): StrictBackend =>
  strictBackend({ capabilities: { maxBufferBytes: rows * count * 8 } });

async function collect(
  parts: AsyncIterable<EncodedRows>,
): Promise<{ numbers: number[]; widths: Set<number>; rows: number; sizes: number[] }> {
  const result = { numbers: [] as number[], widths: new Set<number>(), rows: 0, sizes: [] as number[] };
  for await (const { rows, width, data } of parts) {
    expect(data.length).toBe(rows * width);
    result.numbers.push(...data);
    result.widths.add(width);
    result.rows += rows;
    result.sizes.push(rows);
  }
  return result;
}

/** Float64 of distances of order 10, divided by T = 3. */
const tolerance = 1e-12;

describe('encodeTokens', () => {
  const expected: Record<TokenOutput, number[]> = {
    outputs: outputsOf(problem).flat(),
    assignments: assignmentsOf(problem).flat(),
    codes: assignmentsOf(problem).map((q) => q.indexOf(Math.max(...q))),
  };

  it.each(['outputs', 'assignments', 'codes'] as const)(
    '%s are the naive ones, in blocks of any size',
    async (what) => {
      for (const rows of [2, 4, 8, 64]) {
        const backend = backendOf(rows);
        const { numbers, widths, rows: total } = await collect(encodeTokens(backend, model, source, what));
        expect(total).toBe(n);
        expect([...widths]).toEqual([{ outputs: dimension, assignments: count, codes: 1 }[what]]);
        expect(deviation(numbers, expected[what])).toBeLessThan(tolerance);
        expect(backend.log.alive.size).toBe(0);
      }
    },
  );

  it('takes another temperature and precision', async () => {
    const { numbers } = await collect(encodeTokens(backendOf(8), model, source, 'assignments', { temperature: 0.5 }));
    expect(deviation(numbers, assignmentsOf({ ...problem, temperature: 0.5 }).flat())).toBeLessThan(tolerance);
    // T_c of the model is 9.
    const share = { temperature: { ofCritical: 1 / 18 } };
    const [shared, pooled, warm] = [
      await collect(encodeTokens(backendOf(8), model, source, 'assignments', share)),
      await collect(encodeSegments(backendOf(8), model, source, new Int32Array(n), 'pooled', share)),
      await collect(encodeSegments(backendOf(8), model, source, new Int32Array(n), 'pooled', { temperature: 0.5 })),
    ];
    expect(shared.numbers).toEqual(numbers);
    expect(pooled.numbers).toEqual(warm.numbers);
    const hot = encodeTokens(backendOf(8), model, source, 'codes', { temperature: { ofCritical: 1 } });
    expect(await rejection(collect(hot))).toMatchObject({ code: 'temperature' });
    for await (const { data } of encodeTokens(backendOf(8), model, source, 'outputs', { dtype: 'float32' })) {
      expect(data).toBeInstanceOf(Float32Array);
    }
    const single = await collect(encodeTokens(backendOf(8), model, source, 'outputs', { dtype: 'float32' }));
    // Float32 rounds distances of order 10 / T.
    expect(deviation(single.numbers, expected.outputs)).toBeLessThan(1e-6);
  });

  it('of a source of unknown length, and of none', async () => {
    const stream = tokensFromIterable({
      dimension,
      async *open() {
        for (let row = 0; row < n; row++)
          yield { data: tokens.subarray(row * dimension, (row + 1) * dimension), rows: 1 };
      },
    });
    expect((await collect(encodeTokens(backendOf(8), model, stream, 'codes'))).numbers).toEqual(expected.codes);
    const none = tokensFromReader(tokensFromArray(new Float64Array(0), dimension));
    expect((await collect(encodeTokens(backendOf(8), model, none, 'codes'))).numbers).toEqual([]);
  });

  it('ties go to the lowest code', async () => {
    const twins = { ...model, prototypes: Float64Array.of(5, 5, 5, 5, 5, 5) };
    expect(new Set((await collect(encodeTokens(backendOf(8), twins, source, 'codes'))).numbers)).toEqual(new Set([0]));
  });

  it('refuses tokens of another dimension, and tokens that are not finite', async () => {
    const other = tokensFromReader(tokensFromArray(new Float64Array(6), 3));
    const error = await rejection(collect(encodeTokens(backendOf(8), model, other, 'codes')));
    expect(error).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('fitted on tokens of dimension 2, but these have 3'),
    });
    const bad = tokensFromReader(tokensFromArray(tokens.with(9, NaN), dimension));
    expect(await rejection(collect(encodeTokens(backendOf(8), model, bad, 'codes')))).toMatchObject({
      code: 'data',
      message: expect.stringContaining('Token 4 (counted from 0) holds NaN'),
    });
  });

  it('gives everything back when the reader of the results stops early, or a signal fires', async () => {
    const backend = backendOf(4);
    for await (const { rows } of encodeTokens(backend, model, source, 'codes')) {
      expect(rows).toBe(4);
      break;
    }
    expect(backend.log.alive.size).toBe(0);
    const error = await rejection(
      collect(encodeTokens(backend, model, source, 'codes', { signal: AbortSignal.abort() })),
    );
    expect(error.code).toBe('aborted');
    expect(backend.log.alive.size).toBe(0);
  });
});

/** A vector of length 1; one that is shorter than the floor is divided by that. */
function unit(row: readonly number[], floor = 0): number[] {
  const length = Math.max(Math.hypot(...row), floor);
  return row.map((x) => (length > 0 ? x / length : 0));
}

/** The naive outputs of segments. */
function naive(
  ids: readonly number[],
  segments: number,
  what: SegmentOutput | 'normalized residuals',
  of: Problem = problem,
): number[] {
  const { mass, sums } = segmentsOf(of, ids, segments);
  return mass.flatMap((own, segment) => {
    const weight = ids.reduce((total, id, token) => total + (id === segment ? of.weights[token]! : 0), 0);
    const occupancy = own.map((share) => (weight > 0 ? share / weight : 0));
    if (what === 'occupancy') return occupancy;
    if (what === 'pooled') {
      return problem.prototypes[0]!.map((_, axis) =>
        occupancy.reduce((t, share, k) => t + share * of.prototypes[k]![axis]!, 0),
      );
    }
    const each = sums[segment]!.map((row, k) => {
      if (what === 'summaries') return row.map((x) => (own[k]! > 0 ? x / own[k]! : 0));
      return row.map((x, axis) => x - own[k]! * of.prototypes[k]![axis]!);
    });
    if (what !== 'normalized residuals') return each.flat();
    return unit(each.flatMap((row) => unit(row, 1e-6 * weight * Math.sqrt(model.totalVariance))));
  });
}

const outputs = ['occupancy', 'pooled', 'summaries', 'residuals', 'normalized residuals'] as const;

/** Ids of the 23 tokens. */
const arrangements: Record<string, readonly number[]> = {
  'one segment': tokensOf(() => 0),
  'sorted, ragged': tokensOf((index) => [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4][index]!),
  'sorted, with empty segments before, between and behind others': tokensOf((index) =>
    index < 4 ? 2 : index < 20 ? 5 : 9,
  ),
  'not sorted': tokensOf((index) => (index * 7) % 5),
  'not sorted, with empty segments': tokensOf((index) => [6, 1, 11][index % 3]!),
  'a segment for each token': tokensOf((index) => index),
  'a segment for each token, backwards': tokensOf((index) => n - 1 - index),
};

function tokensOf(id: (index: number) => number): number[] {
  return Array.from({ length: n }, (_, index) => id(index));
}

describe.each(outputs)('encodeSegments: %s', (what) => {
  const output = what === 'normalized residuals' ? 'residuals' : what;
  const options = { normalize: what === 'normalized residuals' };

  it.each(Object.entries(arrangements))('%s', async (_, ids) => {
    const segments = Math.max(...ids) + 1;
    for (const rows of [2, 4, 32]) {
      const backend = backendOf(rows);
      const {
        numbers,
        rows: total,
        widths,
      } = await collect(encodeSegments(backend, model, source, Int32Array.from(ids), output, options));
      expect(total).toBe(segments);
      expect([...widths]).toEqual([outputShape(output, model).reduce((a, b) => a * b)]);
      expect(deviation(numbers, naive(ids, segments, what)), `blocks of ${rows}`).toBeLessThan(tolerance);
      expect(backend.log.alive.size).toBe(0);
    }
  });

  it('a segment whose tokens all have weight 0 gives zeros, whatever they hold', async () => {
    // Tokens 5 and 11 have weight 0.
    const ids = tokensOf((index) => (index === 5 || index === 11 ? 1 : 0));
    const wild = tokens.slice().fill(1e300, 10, 12);
    const { numbers, widths } = await collect(
      encodeSegments(
        backendOf(4),
        model,
        tokensFromReader(tokensFromArray(wild, dimension, weights)),
        Int32Array.from(ids),
        output,
        options,
      ),
    );
    const [width] = [...widths];
    expect(numbers.slice(width!)).toEqual(Array.from({ length: width! }, () => 0));
    expect(deviation(numbers, naive(ids, 2, what))).toBeLessThan(tolerance);
  });
});

describe('encodeSegments', () => {
  it('occupancies sum to 1, and pooled is the weighted mean of the outputs', async () => {
    const ids = arrangements['sorted, ragged']!;
    const occupancy = rowsOf(
      (await collect(encodeSegments(backendOf(4), model, source, Int32Array.from(ids), 'occupancy'))).numbers,
      count,
    );
    for (const row of occupancy) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    const pooled = rowsOf(
      (await collect(encodeSegments(backendOf(4), model, source, Int32Array.from(ids), 'pooled'))).numbers,
      dimension,
    );
    const y = outputsOf(problem);
    pooled.forEach((row, segment) => {
      const members = ids.flatMap((id, index) => (id === segment ? [index] : []));
      const weight = members.reduce((t, index) => t + weights[index]!, 0);
      row.forEach((x, axis) =>
        expect(x).toBeCloseTo(
          members.reduce((t, index) => t + (weights[index]! / weight) * y[index]![axis]!, 0),
          11,
        ),
      );
    });
  });

  it('sorted ids are given out as soon as their tokens are over', async () => {
    const ids = Int32Array.from(arrangements['sorted, ragged']!);
    const { sizes } = await collect(encodeSegments(backendOf(4), model, source, ids, 'occupancy'));
    expect(sizes.length).toBeGreaterThan(2);
    const { sizes: late } = await collect(encodeSegments(backendOf(4), model, source, ids.toReversed(), 'occupancy'));
    expect(late).toEqual([5]);
  });

  it('spreads few segments at once where no kernel sums them, and takes all where one does', async () => {
    const tokensOf8192 = tokensFromReader(tokensFromArray(new Float64Array(8192 * dimension), dimension));
    const ids = Int32Array.from({ length: 8192 }, (_, index) => index);
    const largest = async (composites: readonly string[]): Promise<{ intermediate: number; segments: unknown }> => {
      let seen: Program | undefined;
      const backend = strictBackend();
      const spying: Backend = {
        ...backend,
        capabilities: { ...backend.capabilities, composites },
        async compile(program) {
          seen = program;
          throw new Error('seen');
        },
      };
      await encodeSegments(spying, model, tokensOf8192, ids, 'summaries')
        .next()
        .catch(() => undefined);
      const sizes = valueTypes(expandComposites(seen!)).map(({ shape }) =>
        (shape as number[]).reduce((a, b) => a * b, 1),
      );
      return { intermediate: Math.max(...sizes), segments: seen!.instructions[0]!.outputs[0]!.shape[0] };
    };
    const decomposed = await largest([]);
    expect(decomposed.intermediate).toBeLessThanOrEqual(2 ** 21);
    expect(decomposed.segments).toBeGreaterThan(50);
    expect((await largest(['ddcl.segmentSums/1'])).segments).toBe(8192);
  });

  it('refuses another number of ids than tokens, ids below 0, and another dimension', async () => {
    const all = (ids: number[], from = source) =>
      rejection(collect(encodeSegments(backendOf(4), model, from, Int32Array.from(ids), 'pooled')));
    expect(await all(tokensOf(() => 0).slice(1))).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('There are 22 segment ids but 23 tokens'),
    });
    expect(await all([...tokensOf(() => 0), 0])).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('There are 24 segment ids but 23 tokens'),
    });
    expect(await all(tokensOf((index) => (index === 8 ? -1 : 0)))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('token 8 has -1'),
    });
    expect(await all([0, 0], tokensFromReader(tokensFromArray(new Float64Array(6), 3)))).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('dimension 2, but these have 3'),
    });
  });

  it('no token and no id give no segment', async () => {
    const none = tokensFromReader(tokensFromArray(new Float64Array(0), dimension));
    expect((await collect(encodeSegments(backendOf(4), model, none, new Int32Array(0), 'pooled'))).rows).toBe(0);
  });

  it('gives everything back when the reader of the results stops early', async () => {
    const backend = backendOf(4);
    const rows = encodeSegments(
      backend,
      model,
      source,
      Int32Array.from(arrangements['a segment for each token']!),
      'summaries',
    );
    await rows.next();
    await rows.return(undefined);
    expect(backend.log.alive.size).toBe(0);
    expect(backend.memory().buffers).toBe(0);
  });

  it.each(['pooled', 'code'])('tokens have no output %s', async (output) => {
    const error = await rejection(encodeTokens(backendOf(4), model, source, output as TokenOutput).next());
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining('outputs, assignments, codes') });
    expect(error.message.includes('encodeSegments')).toBe(output === 'pooled');
  });

  it('segments have no codes', async () => {
    const ids = new Int32Array(n);
    const error = await rejection(encodeSegments(backendOf(4), model, source, ids, 'codes' as SegmentOutput).next());
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining('comes from encodeTokens') });
  });

  it('says how a reader becomes a source', async () => {
    const reader = tokensFromArray(tokens, dimension) as unknown as typeof source;
    const error = await rejection(encodeTokens(backendOf(4), model, reader, 'codes').next());
    expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining('tokensFromReader(reader)') });
  });
});
