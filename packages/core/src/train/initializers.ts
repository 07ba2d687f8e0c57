import { DdclError } from '../errors/ddcl-error.ts';
import { elementCount } from '../program/tensor-type.ts';
import type { Initializer } from './options.ts';

/** The same number everywhere. */
export function constantInitializer(value: number): Initializer {
  return (shape) => new Float64Array(elementCount(shape)).fill(value);
}

export const zerosInitializer: Initializer = constantInitializer(0);
export const onesInitializer: Initializer = constantInitializer(1);

/** Normal with a standard deviation and a mean. */
export function normalInitializer(deviation = 1, mean = 0): Initializer {
  return (shape, random) =>
    Float64Array.from({ length: elementCount(shape) }, () => mean + deviation * random.normal());
}

/** Uniform in [low, high). */
export function uniformInitializer(low: number, high: number): Initializer {
  return (shape, random) =>
    Float64Array.from({ length: elementCount(shape) }, () => low + (high - low) * random.uniform());
}

/** Which axis of a weight its inputs lie along: 0 for `matmul(x, weight)`, 1 for PyTorch's layout, `matmul(x, weight, { transposeB: true })`. */
export interface FanOptions {
  /** Default 0. */
  readonly inputAxis?: 0 | 1;
}

/** Uniform within `sqrt(6 / (inputs + outputs))`: keeps variances through tanh or linear layers (Glorot, Bengio, AISTATS 2010). For matrices. */
export function glorotUniform(): Initializer {
  return (shape, random) => {
    const [inputs, outputs] = fans(shape, 0);
    const limit = Math.sqrt(6 / (inputs + outputs));
    return uniformInitializer(-limit, limit)(shape, random);
  };
}

/** Normal with variance `2 / inputs`: keeps variances through layers of relu (He et al., arXiv 1502.01852). For matrices. */
export function heNormal({ inputAxis = 0 }: FanOptions = {}): Initializer {
  return (shape, random) => normalInitializer(Math.sqrt(2 / fans(shape, inputAxis)[0]))(shape, random);
}

function fans(shape: readonly number[], inputAxis: 0 | 1): readonly [inputs: number, outputs: number] {
  if (shape.length === 2) return [shape[inputAxis]!, shape[1 - inputAxis]!];
  throw new DdclError(
    'shape',
    `Inputs and outputs are those of a matrix, but the parameter has the shape [${shape.join(', ')}]. Use normalInitializer or uniformInitializer.`,
    { shapes: [shape] },
  );
}
