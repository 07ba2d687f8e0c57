import type { Dimension, Shape, TensorType } from '@ddcl/core/backend';
import type { OnnxGraph, OnnxName } from '../onnx/graph.ts';
import { dataTypeNumber, type OnnxDType } from '../onnx/tensor.ts';

/** Where a symbol's size can be read: an axis of an input. */
export interface SymbolPlace {
  readonly input: OnnxName;
  readonly axis: number;
}

/** Part of a tensor: elements of `shape` from `start` on, as a value of the graph. */
export interface Piece {
  readonly value: OnnxName;
  readonly start: number;
  readonly shape: readonly number[];
}

/** What the functions that write one op share. */
export interface Emitter {
  readonly graph: OnnxGraph;
  /** Whether passes over tokens are cut into tiles that fit a processor's cache. */
  readonly tiled: boolean;
  /** A shape as int64 [rank]: a constant, or read from the inputs at run time where it holds symbols. */
  shape(shape: Shape): OnnxName;
  /** A size as an int64 scalar. */
  size(size: Dimension): OnnxName;
  /** An int32 value that is 0 or 1 as ONNX's bool, without a conversion where it came from one. */
  condition(value: OnnxName): OnnxName;
  /** A bool as int32 0 or 1. */
  fromCondition(bool: OnnxName): OnnxName;
  /** Whether inputs and results may be handed over in pieces. */
  readonly takesPieces: boolean;
  /** Whether a value is an input of the program of which {@link piece} can be taken. */
  isInput(value: OnnxName): boolean;
  /** Part of an input, as an input of its own: unlike a `Slice`, no copy. */
  piece(input: OnnxName, start: number, shape: readonly number[]): OnnxName;
  /** A result of the program that nothing else uses, in pieces; returns a name that stands for it. */
  leave(pieces: readonly Piece[]): OnnxName;
}

/** What crosses the border of a graph in pieces. */
export interface Pieces {
  /** By the input that they are parts of. */
  readonly inputs: Map<OnnxName, Piece[]>;
  /** By the name that {@link Emitter.leave} gave. */
  readonly results: Map<OnnxName, readonly Piece[]>;
}

/** One op to write. */
export interface EmitCall<Attributes> {
  readonly attributes: Attributes;
  readonly inputs: readonly OnnxName[];
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  /** For each output, whether it is one result of the program and nothing else. */
  readonly leaving: readonly boolean[];
  /** For each output, whether anything depends on it. */
  readonly needed: readonly boolean[];
}

interface EmitterOptions {
  readonly tiled: boolean;
  readonly pieces: Pieces | undefined;
  readonly sizes: ReadonlyMap<string, OnnxName> | undefined;
}

/**
 * Makes the emitter of a graph whose symbols can be read at the given places, or are int64 vectors [1] that `sizes` has.
 *
 * @param pieces what to fill where inputs and results may come in pieces; its inputs are those of which some may be taken
 */
export function createEmitter(
  graph: OnnxGraph,
  symbols: ReadonlyMap<string, SymbolPlace>,
  { tiled, pieces, sizes: known }: EmitterOptions,
): Emitter {
  const sizes = new Map(known);
  const bools = new Map<OnnxName, OnnxName>();

  /** A size as int64 [1]. */
  const sizeVector = (size: Dimension): OnnxName => {
    if (typeof size === 'number') return graph.int64s([size]);
    let name = sizes.get(size);
    if (name === undefined) {
      const { input, axis } = symbols.get(size)!;
      // `Shape` with start and end reads one axis.
      name = graph.allows(15)
        ? graph.node('Shape', [input], { start: { int: axis }, end: { int: axis + 1 } }, { since: 15 })
        : graph.node('Gather', [graph.node('Shape', [input]), graph.int64s([axis])]);
      sizes.set(size, name);
    }
    return name;
  };

  return {
    graph,
    tiled,
    shape(shape) {
      if (shape.every((size) => typeof size === 'number')) return graph.int64s(shape as readonly number[]);
      if (shape.length === 1) return sizeVector(shape[0]!);
      return graph.node('Concat', shape.map(sizeVector), { axis: { int: 0 } });
    },
    size(size) {
      if (typeof size === 'number') return graph.constant('int64', [], BigInt64Array.of(BigInt(size)));
      return graph.node('Reshape', [sizeVector(size), graph.int64s([])]);
    },
    condition: (value) => bools.get(value) ?? cast(graph, value, 'bool'),
    fromCondition(bool) {
      const value = cast(graph, bool, 'int32');
      bools.set(value, bool);
      return value;
    },
    takesPieces: pieces !== undefined,
    isInput: (value) => pieces?.inputs.has(value) ?? false,
    piece(input, start, shape) {
      const value = graph.input(graph.fresh(input), 'float32', shape);
      pieces!.inputs.get(input)!.push({ value, start, shape });
      return value;
    },
    leave(list) {
      const name = graph.fresh('pieces');
      pieces!.results.set(name, list);
      return name;
    },
  };
}

/** `Cast`; from float to int32 it truncates towards zero, and any number but 0 is true. */
export function cast(graph: OnnxGraph, value: OnnxName, to: OnnxDType): OnnxName {
  return graph.node('Cast', [value], { to: { int: dataTypeNumber(to) } });
}
