import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { bertWeights, layerNormEpsilon, type Weight } from '../../../tooling/tiny-bert/bert-weights.ts';
import { bertSizes, tinyBert } from '../../../tooling/tiny-bert/tiny-bert.ts';

/* The encoder that tests of several packages use has to be a BERT: here it is, written a second time, in float64. */

const sizes = bertSizes();
const weights = bertWeights(sizes, 0);
const { hidden, heads, layers } = sizes;
type Vector = readonly number[];

const row = ({ shape, data }: Weight, index: number): Vector =>
  Array.from(data.subarray(index * shape[1]!, (index + 1) * shape[1]!));
const sum = (values: Vector): number => values.reduce((total, value) => total + value, 0);
const plus = (a: Vector, b: Vector): Vector => a.map((value, axis) => value + b[axis]!);

function linear(x: Vector, name: string): Vector {
  const { data, shape } = weights[`${name}.weight`]!;
  const bias = weights[`${name}.bias`]!.data;
  return Array.from(
    { length: shape[1]! },
    (_, column) => bias[column]! + sum(x.map((value, line) => value * data[line * shape[1]! + column]!)),
  );
}

function norm(x: Vector, name: string): Vector {
  const mean = sum(x) / x.length;
  const deviation = Math.sqrt(sum(x.map((value) => (value - mean) ** 2)) / x.length + layerNormEpsilon);
  const { data: scale } = weights[`${name}.weight`]!;
  const { data: shift } = weights[`${name}.bias`]!;
  return x.map((value, axis) => ((value - mean) / deviation) * scale[axis]! + shift[axis]!);
}

/** The error function by its Maclaurin series, which is exact enough for |x| < 5; beyond, it is 1. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, total] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

/** Token vectors of one sequence without padding. */
function bert(ids: readonly number[], types: readonly number[]): Vector[] {
  const table = (name: string, index: number): Vector => row(weights[`embeddings.${name}_embeddings.weight`]!, index);
  let x = ids.map((id, position) =>
    norm(
      plus(plus(table('word', id), table('position', position)), table('token_type', types[position]!)),
      'embeddings.LayerNorm',
    ),
  );
  const width = hidden / heads;
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    const [query, key, value] = ['query', 'key', 'value'].map((part) =>
      x.map((each) => linear(each, `${name}.attention.self.${part}`)),
    ) as [Vector[], Vector[], Vector[]];
    x = x.map((before, n) => {
      const attended = Array.from({ length: heads }, (_, head) => {
        const part = (all: Vector): Vector => all.slice(head * width, (head + 1) * width);
        const scores = key.map((other) => {
          const mine = part(query[n]!);
          return Math.exp(sum(part(other).map((each, axis) => each * mine[axis]!)) / Math.sqrt(width));
        });
        const total = sum(scores);
        return Array.from({ length: width }, (__, axis) =>
          sum(scores.map((score, other) => (score / total) * part(value[other]!)[axis]!)),
        );
      }).flat();
      const middle = norm(
        plus(linear(attended, `${name}.attention.output.dense`), before),
        `${name}.attention.output.LayerNorm`,
      );
      const inner = linear(middle, `${name}.intermediate.dense`).map(
        (each) => (each / 2) * (1 + erf(each / Math.SQRT2)),
      );
      return norm(plus(linear(inner, `${name}.output.dense`), middle), `${name}.output.LayerNorm`);
    });
  }
  return x;
}

/** Runs the file on sequences, padded to the longest one. */
async function run(
  sequences: readonly (readonly number[])[],
  types: readonly (readonly number[])[],
): Promise<Vector[][]> {
  const session = await ort.InferenceSession.create(tinyBert().files['onnx/model.onnx'] as Uint8Array);
  const length = Math.max(...sequences.map((each) => each.length));
  const tensor = (rows: readonly (readonly number[])[], padding: number): ort.Tensor => {
    const padded = rows.flatMap((each) => [...each, ...Array<number>(length - each.length).fill(padding)]);
    return new ort.Tensor('int64', BigInt64Array.from(padded, BigInt), [rows.length, length]);
  };
  const { last_hidden_state: output } = await session.run({
    input_ids: tensor(sequences, 7),
    attention_mask: tensor(
      sequences.map((each) => each.map(() => 1)),
      0,
    ),
    token_type_ids: tensor(types, 1),
  });
  await session.release();
  expect(output!.dims).toEqual([sequences.length, length, hidden]);
  const values = output!.data as Float32Array;
  return sequences.map((ids, line) =>
    ids.map((_, n) => Array.from(values.subarray((line * length + n) * hidden, (line * length + n + 1) * hidden))),
  );
}

describe('the BERT of tests', () => {
  it('is a BERT: padding in a batch is not attended to', async () => {
    const sequences = [[2, 9, 30, 41, 9, 3], [2, 17, 3], Array.from({ length: 64 }, (_, index) => (index * 5) % 70)];
    const types = sequences.map((ids) => ids.map((_, n) => (n > 3 ? 1 : 0)));
    const actual = await run(sequences, types);
    for (const [line, ids] of sequences.entries()) {
      const expected = bert(ids, types[line]!);
      for (const [n, vector] of expected.entries()) {
        // float32 through two layers, on numbers of order 1.
        vector.forEach((value, axis) => expect(Math.abs(actual[line]![n]![axis]! - value)).toBeLessThan(1e-5));
      }
    }
  });

  it('gives the same word another vector in another context and place', () => {
    const distance = (a: Vector, b: Vector): number => Math.hypot(...a.map((value, axis) => value - b[axis]!));
    const alone = bert([2, 9, 3], [0, 0, 0])[1]!;
    expect(distance(alone, bert([2, 9, 20], [0, 0, 0])[1]!)).toBeGreaterThan(0.1);
    const twice = bert([2, 9, 9, 3], [0, 0, 0, 0]);
    expect(distance(twice[1]!, twice[2]!)).toBeGreaterThan(0.1);
  });

  it('is the same file each time, and another one for another seed', () => {
    const digest = (seed?: number): string => {
      const hash = createHash('sha256');
      for (const [path, data] of Object.entries(tinyBert(seed === undefined ? {} : { seed }).files)) {
        hash.update(path).update(data);
      }
      return hash.digest('hex').slice(0, 16);
    };
    expect(digest(1)).toBe(digest(1));
    expect(digest(1)).not.toBe(digest());
    expect(digest()).toBe(digest(0));
  });
});
