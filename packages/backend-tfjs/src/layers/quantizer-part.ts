import {
  add,
  concat,
  createRandom,
  div,
  f32,
  less,
  maximum,
  mul,
  reshape,
  segmentSum,
  select,
  slice,
  sum,
  trace,
  type ConcreteType,
  type Tensor,
} from '@ddcl/core';
import { createState, quantizerPart, type PartResults, type QuantizerState } from '@ddcl/vq';
import type { LayerPart, PartWeight } from './layer-part.ts';
import { ownRate } from './own-rate.ts';
import type { QuantizerConfig } from './quantizer-config.ts';
import { reportVector } from './reports.ts';

/** The state of @ddcl/vq that a layer starts from. */
export function quantizerLayerState(config: QuantizerConfig, dimension: number): QuantizerState {
  return createState({ ...config.spec, dimension }, { seed: config.seed });
}

type Tensors = Readonly<Record<string, Tensor>>;

const mean = (all: readonly Tensor[]): Tensor => div(total(all), all.length);
const total = (all: readonly Tensor[]): Tensor => all.reduce((sumSoFar, each) => add(sumSoFar, each));

/** `ddcl` of @ddcl/vq as a layer: in training mixtures of noisy latents on a schedule, else the vectors of the nearest codes. */
export function quantizerLayerPart(config: QuantizerConfig, dimension: number): LayerPart {
  const { codes, outputs, steps, schedule, rateRatio, seed } = config;
  const part = quantizerPart(quantizerLayerState(config, dimension), { prefix: '' });
  const { heads, depth } = part.spec;
  const isCode = (name: string): boolean => part.trained.codes.includes(name);
  const weights: PartWeight[] = [
    ...Object.entries(part.parameters).map(([name, { shape, data, carried }]): PartWeight => {
      const own = Float32Array.from(data as Float32Array);
      if (isCode(name)) return { name, shape, role: 'prototypes', data: own.map((value) => value / rateRatio) };
      return { name, shape, role: carried === true ? 'carried' : 'trained', data: own };
    }),
    { name: 'unit', shape: [], role: 'carried', data: Float32Array.of(1) },
    { name: 'rate', shape: [], role: 'carried', data: Float32Array.of(rateRatio) },
  ];
  const types = weights.map(({ shape }) => f32(...shape));
  const controlTypes = part.controls.map(() => f32());
  const inputTypes = (count: number) => part.inputs(count) as Readonly<Record<string, ConcreteType>>;
  const named = (names: readonly string[], tensors: readonly Tensor[]): Tensors =>
    Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
  const parametersOf = (tensors: readonly Tensor[]): Tensors => {
    const own = named(
      weights.map(({ name }) => name),
      tensors,
    );
    const made = Object.entries(own).map(([name, tensor]) => [
      name,
      isCode(name) ? ownRate(tensor, own['unit']!, own['rate']!) : tensor,
    ]);
    return Object.fromEntries(made) as Tensors;
  };
  const outputsOf = (shape: readonly number[], vectors: Tensor, indices: Tensor): Tensor[] =>
    outputs.map((output) =>
      output === 'vectors' ? vectors : reshape(indices, [...shape.slice(0, -1), heads * depth]),
    );
  const countOf = (shape: readonly number[]): number => shape.slice(0, -1).reduce((product, size) => product * size, 1);

  const watched = ({ reports, next, indices }: PartResults, given: Tensor): Tensor[] => {
    const levels = Array.from({ length: depth }, (_, level) => (name: string): Tensor => {
      return reports[depth === 1 ? name : `${name}.${level}`]!;
    });
    const lossOf = (name: string): Tensor => total(levels.map((level) => level(name)));
    const meanOf = (name: string): Tensor => mean(levels.map((level) => level(name)));
    const averages = Object.entries(next).filter(([name]) => name.startsWith('averages.'));
    const critical = meanOf('criticalTemperature');
    const own = mul(mean(averages.map(([, each]) => reshape(slice(each, [2], [1]), []))), 4);
    // In the warm-up it is not followed yet.
    const batchCritical = select(less(0, own), own, critical);
    const shares = div(given, maximum(sum(given), 1e-20));
    const places = Array.from({ length: heads * depth }, (_, place) => {
      const column = reshape(slice(indices, [0, place], [indices.shape[0]!, 1]), [indices.shape[0]!]);
      return segmentSum(shares, column, { segments: codes });
    });
    return [
      reportVector(
        { lq: lossOf('lq'), lols: lossOf('lols'), v: lossOf('v') },
        { temperature: meanOf('temperature'), critical, batchCritical },
      ),
      concat(
        places.map((each) => reshape(each, [1, codes])),
        0,
      ),
    ];
  };

  return {
    weights,
    count: codes,
    books: heads * depth,
    outputs: outputs.length,
    inputs: (step, count) => {
      const own = createRandom(seed).fork(step);
      const controls = part.drawControls(schedule, steps === 1 ? 1 : Math.min(1, step / (steps - 1)), own);
      const drawn = part.drawInputs(count, own);
      return [
        ...part.controls.map((name) => ({ type: f32() as ConcreteType, data: Float32Array.of(controls[name]!) })),
        ...Object.entries(inputTypes(count)).map(([name, type]) => ({ type, data: drawn[name]!.data as Float32Array })),
      ];
    },
    train: (shape, isWatched) => {
      const count = countOf(shape);
      const more = inputTypes(count);
      return trace(
        [f32(...shape), f32(...shape.slice(0, -1)), ...types, ...controlTypes, ...Object.values(more)],
        (z, given, ...rest) => {
          const tensors = rest as readonly Tensor[];
          const after = tensors.slice(weights.length);
          const parameters = parametersOf(tensors);
          const built = part.build({
            z,
            weights: given,
            parameters,
            controls: named(part.controls, after),
            inputs: named(Object.keys(more), after.slice(part.controls.length)),
          });
          return [
            ...outputsOf(shape, built.output, built.indices),
            built.loss,
            ...weights.flatMap(({ name, role }) => (role === 'carried' ? [built.next[name] ?? parameters[name]!] : [])),
            ...(isWatched ? watched(built, reshape(given, [count])) : []),
          ];
        },
        'quantizerTrain',
      );
    },
    apply: (shape) =>
      trace(
        [f32(...shape), f32(...shape.slice(0, -1)), ...types],
        (z, given, ...rest) => {
          const parameters = parametersOf(rest as readonly Tensor[]);
          const { hard, indices } = part.apply({ z, weights: given, parameters });
          return outputsOf(shape, hard, indices);
        },
        'quantizer',
      ),
  };
}
