import type { DdclModel } from '@ddcl/core/fit';
import type { OnnxGraph, OnnxName } from '../onnx/graph.ts';
import type { ReadoutPreprocessing } from './readout-options.ts';

/** A fitted model as constants of a graph, computed in float64 and rounded once. All in the model's frame but `values`. */
export interface ReadoutTerms {
  readonly count: number;
  readonly dimension: number;
  /** `2 P / T`, row-major [K, m]. */
  readonly keys: Float64Array;
  /** `-|p|^2 / T`, [K]. */
  readonly bias: Float64Array;
  /** P in the frame, [K, m]. */
  readonly framed: Float64Array;
  /** P in the tokens' own units, [K, m]: assignments sum to 1, so that outputs need no way back from the frame. */
  readonly values: Float64Array;
}

export function readoutTerms(model: DdclModel, temperature: number): ReadoutTerms {
  const { count, dimension, prototypes, offset, scale } = model;
  const framed = prototypes.map((value, index) => (value - offset[index % dimension]!) / scale);
  const inFrame = temperature / scale ** 2;
  const bias = new Float64Array(count);
  framed.forEach((value, index) => (bias[Math.floor(index / dimension)]! -= value ** 2 / inFrame));
  return { count, dimension, keys: framed.map((value) => (2 * value) / inFrame), bias, framed, values: prototypes };
}

/** A constant float32 matrix or vector. */
export function floats(graph: OnnxGraph, shape: readonly number[], values: ArrayLike<number>): OnnxName {
  return graph.constant('float32', shape, Float32Array.from(values));
}

/** Rows and columns of [K, m] exchanged. */
export function transposed(values: Float64Array, count: number, dimension: number): Float64Array {
  return Float64Array.from(values, (_, index) => values[(index % count) * dimension + Math.floor(index / count)]!);
}

/**
 * Tokens [..., m] as the model sees them: preprocessed, the frame's offset taken off, divided by its scale. Without
 * normalisation all of it is one subtraction and one product; the subtraction comes first, before anything is rounded.
 */
export function emitFrame(
  graph: OnnxGraph,
  tokens: OnnxName,
  { offset, scale, dimension }: DdclModel,
  preprocessing: ReadoutPreprocessing | undefined,
): OnnxName {
  const mean = preprocessing?.standardize?.mean ?? Array.from({ length: dimension }, () => 0);
  const deviation = preprocessing?.standardize?.deviation ?? Array.from({ length: dimension }, () => 1);
  const affine = (x: OnnxName, shift: readonly number[], factor: readonly number[]): OnnxName => {
    const shifted = shift.some((each) => each !== 0) ? graph.node('Sub', [x, floats(graph, [dimension], shift)]) : x;
    return factor.some((each) => each !== 1)
      ? graph.node('Mul', [shifted, floats(graph, [dimension], factor)])
      : shifted;
  };
  if (!preprocessing?.normalize) {
    return affine(
      tokens,
      mean.map((each, axis) => each + deviation[axis]! * offset[axis]!),
      deviation.map((each) => 1 / (each * scale)),
    );
  }
  const standard = affine(
    tokens,
    mean,
    deviation.map((each) => 1 / each),
  );
  const squares = graph.reduce('ReduceSum', graph.node('Mul', [standard, standard]), [-1], true);
  // A token of length 0 stays what it is.
  const length = graph.node('Max', [graph.node('Sqrt', [squares]), graph.float(1e-30)]);
  return affine(
    graph.node('Div', [standard, length]),
    [...offset],
    Array.from({ length: dimension }, () => 1 / scale),
  );
}
