import {
  add,
  createRandom,
  detach,
  div,
  equal,
  f32,
  less,
  loss,
  matmul,
  maximum,
  mul,
  nearest,
  reshape,
  scalar,
  segmentSum,
  select,
  slice,
  sqrt,
  sub,
  sum,
  trace,
  type Program,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import { spreadCritical, spreadVariance, trackSpread } from '@ddcl/core/train';
import type { LayerPart, PartWeight } from './layer-part.ts';
import { ownRate } from './own-rate.ts';
import type { ReadoutConfig } from './readout-config.ts';
import { readoutLayerOutputs, type ReadoutGiven } from './readout-outputs.ts';
import { reportVector } from './reports.ts';

/** Power steps per batch for T_c. */
const iterations = 2;

/** Temperatures below it count as this: tokens that are all equal have no critical one. */
const leastTemperature = 1e-12;

/** Where prototypes start, as a share of the tokens' deviation per component: near the mean, since far-out ones are lost (docs/math.md section 5). */
const pulledDeviation = 0.3;

const names = ['prototypes', 'unit', 'rate', 'direction', 'averages', 'temperature'] as const;
type Weights = Readonly<Record<(typeof names)[number], Tensor>>;

/** Tokens as rows [B L, m], zeros where the weight is 0, and weights [B L, 1]. */
interface Rows {
  readonly rows: Tensor;
  readonly column: Tensor;
}

/** One number of a vector, as a scalar. */
const at = (vector: Tensor, index: number): Tensor => reshape(slice(vector, [index], [1]), []);

const total = (column: Tensor): Tensor => maximum(sum(column), 1e-20);

/** The readout of docs/math.md section 6 at a temperature that follows the tokens, with L_q per total variance as its loss. */
export function readoutLayerPart(config: ReadoutConfig, dimension: number): LayerPart {
  const { prototypes: count, outputs } = config;
  const weights = readoutWeights(config, dimension);

  const traced = (
    name: string,
    shape: readonly number[],
    more: readonly TensorType[],
    body: (given: Rows, own: Weights, rest: readonly Tensor[]) => readonly Tensor[],
  ): Program =>
    trace(
      [f32(...shape), f32(...shape.slice(0, -1)), ...weights.map((each) => f32(...each.shape)), ...more],
      (tokens, given, ...others) => {
        const n = Number(shape[0]) * Number(shape[1]);
        const column = detach(reshape(given, [n, 1]));
        const rows = select(less(0, column), reshape(tokens, [n, dimension]), 0);
        const rest = others as readonly Tensor[];
        const own = Object.fromEntries(names.map((each, index) => [each, rest[index]!])) as Weights;
        return body({ rows, column }, own, rest.slice(names.length));
      },
      name,
    );
  const given = ({ rows, column }: Rows, own: Weights, temperature: Tensor, averages: Tensor): ReadoutGiven => {
    const prototypes = ownRate(own.prototypes, own.unit, own.rate);
    const centre = detach(reshape(div(sum(prototypes, [0]), count), [1, dimension]));
    return {
      column,
      prototypes,
      centre,
      operands: { tokens: sub(rows, centre), prototypes: sub(prototypes, centre), temperature },
      spread: () => detach(sqrt(maximum(spreadVariance(averages), 1e-20))),
    };
  };
  const outputsOf = (all: ReadoutGiven, [batch, length]: readonly number[]): Tensor[] =>
    readoutLayerOutputs(all, [batch!, length!], outputs, config.normalize);

  const train = (tokens: Rows, own: Weights, shape: readonly number[], isWatched: boolean): Tensor[] => {
    const [direction, averages] = trackSpread(tokens, [own.direction, own.averages], {
      decay: config.tracking,
      iterations,
    });
    const critical = spreadCritical(averages);
    const choice = config.temperature;
    const temperature = detach(
      typeof choice === 'number'
        ? scalar(tokens.rows, choice)
        : maximum(mul(critical, choice.ofCritical), leastTemperature),
    );
    const all = given(tokens, own, temperature, averages);
    const perToken = reshape(tokens.column, [tokens.column.shape[0]!]);
    const mass = total(tokens.column);
    const variance = detach(maximum(spreadVariance(averages), 1e-20));
    const { operands } = all;
    const { lq, lols, v } = loss({
      ...operands,
      tokens: config.lqThrough ? operands.tokens : detach(operands.tokens),
      weights: perToken,
    });
    const results = [
      ...outputsOf(all, shape),
      mul(div(lq, mul(mass, variance)), config.lambda),
      own.unit,
      own.rate,
      direction,
      averages,
      temperature,
    ];
    if (!isWatched) return results;
    const losses = { lq: div(lq, mass), lols: div(lols, mass), v: div(v, mass) };
    const { indices } = nearest({ tokens: detach(operands.tokens), prototypes: detach(operands.prototypes) });
    const wins = segmentSum(div(perToken, mass), indices, { segments: count });
    const batchCritical = mul(at(averages, 2), 4);
    return [...results, reportVector(losses, { temperature, critical, batchCritical }), reshape(wins, [1, count])];
  };

  /** Weights, with prototypes around the tokens' mean where none were seen before; loaded ones stay. */
  const start = ({ rows, column }: Rows, own: Weights, [normals]: readonly Tensor[]): Tensor[] => {
    const mean = div(matmul(column, rows, { transposeA: true }), total(column));
    const centred = sub(rows, mean);
    const squares = sum(mul(column, mul(centred, centred)));
    const deviation = sqrt(maximum(div(squares, mul(total(column), dimension)), 1e-20));
    const isNew = equal(at(own.averages, 1), 0);
    const unit = select(isNew, deviation, own.unit);
    const pulled = add(mean, mul(normals!, mul(deviation, pulledDeviation)));
    const prototypes = select(isNew, div(pulled, mul(unit, own.rate)), own.prototypes);
    return [prototypes, unit, own.rate, own.direction, own.averages, own.temperature];
  };

  return {
    weights,
    count,
    books: 1,
    outputs: outputs.length,
    inputs: () => [],
    train: (shape, isWatched) =>
      traced('readoutTrain', shape, [], (tokens, own) => train(tokens, own, shape, isWatched)),
    apply: (shape) =>
      traced('readout', shape, [], (tokens, own) => {
        const temperature = maximum(own.temperature, leastTemperature);
        return outputsOf(given(tokens, own, temperature, own.averages), shape);
      }),
    seen: ['averages', 1],
    start: (shape) => traced('readoutStart', shape, [f32(count, dimension)], start),
  };
}

function readoutWeights({ prototypes, rateRatio, seed }: ReadoutConfig, dimension: number): PartWeight[] {
  const random = createRandom(seed).fork('direction');
  const direction = Float32Array.from({ length: dimension }, () => random.normal());
  const length = Math.hypot(...direction);
  const carried = (name: string, shape: readonly number[], data: Float32Array): PartWeight => ({
    name,
    shape,
    role: 'carried',
    data,
  });
  return [
    {
      name: 'prototypes',
      shape: [prototypes, dimension],
      role: 'prototypes',
      data: new Float32Array(prototypes * dimension),
    },
    carried('unit', [], Float32Array.of(1)),
    carried('rate', [], Float32Array.of(rateRatio)),
    carried(
      'direction',
      [dimension],
      direction.map((value) => value / length),
    ),
    carried('averages', [5], new Float32Array(5)),
    carried('temperature', [], new Float32Array(1)),
  ];
}
