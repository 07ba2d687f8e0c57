import { DdclError } from '../errors/ddcl-error.ts';
import { elementCount } from '../program/tensor-type.ts';
import type { Initialiser } from './options.ts';

/** The same number everywhere. */
export function constantInitialiser(value: number): Initialiser {
  return (shape) => new Float64Array(elementCount(shape)).fill(value);
}

export const zerosInitialiser: Initialiser = constantInitialiser(0);
export const onesInitialiser: Initialiser = constantInitialiser(1);

/** Normal with a standard deviation and a mean. */
export function normalInitialiser(deviation = 1, mean = 0): Initialiser {
  return (shape, random) =>
    Float64Array.from({ length: elementCount(shape) }, () => mean + deviation * random.normal());
}

/** Uniform in [low, high). */
export function uniformInitialiser(low: number, high: number): Initialiser {
  return (shape, random) =>
    Float64Array.from({ length: elementCount(shape) }, () => low + (high - low) * random.uniform());
}

/** Which axis of a weight its inputs lie along: 0 for `matmul(x, weight)`, 1 for PyTorch's layout, `matmul(x, weight, { transposeB: true })`. */
export interface FanOptions {
  /** Default 0. */
  readonly inputAxis?: 0 | 1;
}

/** Uniform within `sqrt(6 / (inputs + outputs))`: keeps variances through tanh or linear layers (Glorot, Bengio, AISTATS 2010). For matrices. */
export function glorotUniform(): Initialiser {
  return (shape, random) => {
    const [inputs, outputs] = fans(shape, 0);
    const limit = Math.sqrt(6 / (inputs + outputs));
    return uniformInitialiser(-limit, limit)(shape, random);
  };
}

/** Normal with variance `2 / inputs`: keeps variances through layers of relu (He et al., arXiv 1502.01852). For matrices. */
export function heNormal({ inputAxis = 0 }: FanOptions = {}): Initialiser {
  return (shape, random) => normalInitialiser(Math.sqrt(2 / fans(shape, inputAxis)[0]))(shape, random);
}

function fans(shape: readonly number[], inputAxis: 0 | 1): readonly [inputs: number, outputs: number] {
  if (shape.length === 2) return [shape[inputAxis]!, shape[1 - inputAxis]!];
  throw new DdclError(
    'shape',
    `Inputs and outputs are those of a matrix, but the parameter has the shape [${shape.join(', ')}]. Use normalInitialiser or uniformInitialiser.`,
    { shapes: [shape] },
  );
}
