import {
  expandComposites,
  joinTokenPasses,
  neededValues,
  tokenPassComposites,
  tokenPassName,
  valueTypes,
  type Instruction,
  type PrimitiveAttributes,
  type PrimitiveOp,
  type Program,
  type Shape,
  type TensorType,
} from '@ddcl/core/backend';
import { OnnxGraph, type OnnxName } from '../onnx/graph.ts';
import { composites } from './composites/composites.ts';
import { createEmitter, type EmitCall, type Emitter, type Piece, type Pieces, type SymbolPlace } from './emitter.ts';
import { primitives, type EmitPrimitive } from './primitives/primitives.ts';

/**
 * Composites that are written as they are: ONNX's own, and those of the token loop. The others are decomposed; on other devices than
 * processors also those whose kernels for WebGPU (ONNX Runtime 1.30, on an NVIDIA H100) failed the conformance suite.
 *
 * @param processor whether nothing but a processor runs them
 * @param fused whether attention may be an op that ONNX Runtime alone has
 */
export function nativeComposites(processor: boolean, fused = false): readonly string[] {
  const names = Object.keys(composites).filter(
    (name) => (processor || !onlyOnProcessors.includes(name)) && (fused || name !== 'ddcl.attend/1'),
  );
  return names.flatMap((name) => (name === tokenPassName ? tokenPassComposites : [name]));
}

/**
 * ReduceLogSumExp of numbers around 1e4 is infinite; LayerNormalization loses digits beside a large mean. Graphics cards lack the `Scan` of
 * the nearest prototypes.
 */
const onlyOnProcessors: readonly string[] = ['logSumExp/1', 'layerNorm/1', 'ddcl.nearest/1'];

/** A program as a graph. Tensors without elements are not part of it. */
export interface EmittedProgram {
  readonly graph: OnnxGraph;
  /** Name of each parameter in the graph; undefined for one without elements. */
  readonly inputs: readonly (OnnxName | undefined)[];
  /** Name of each result; undefined for one without elements. */
  readonly outputs: readonly (OnnxName | undefined)[];
  /** Inputs of the graph that are parts of a parameter, by its position; they come on top of it. */
  readonly inputPieces: ReadonlyMap<number, readonly Piece[]>;
  /** Outputs of the graph that are parts of a result, by its position; they come in its place. */
  readonly outputPieces: ReadonlyMap<number, readonly Piece[]>;
}

export interface EmitOptions {
  /**
   * Whether a processor alone runs it: passes over tokens are then cut into tiles for its cache, with `Scan`, which graphics cards lack, and
   * more composites are single ops.
   */
  readonly tiled: boolean;
  /** Whether attention may be an op that ONNX Runtime alone has. Default false. */
  readonly fused?: boolean;
  /** Whether inputs may be handed to the graph, and results taken from it, in pieces that lie in one array. Default false. */
  readonly inPieces?: boolean;
  /** A graph to write into, the values there that are the parameters, and int64 vectors [1] of sizes that no parameter has. */
  readonly into?: {
    readonly graph: OnnxGraph;
    readonly values: readonly OnnxName[];
    readonly sizes: ReadonlyMap<string, OnnxName>;
  };
  /** Names of the results. */
  readonly outputs?: readonly OnnxName[];
}

const isEmpty = (type: TensorType): boolean => type.shape.includes(0);

/**
 * Writes a program as an ONNX graph. Symbols become named dimensions, so that one graph serves all sizes but 0 (see
 * `specialise`). Unless told otherwise, inputs are called `input_0`, `input_1`, ..., outputs `output_0`, ...
 */
export function emitProgram(original: Program, options: EmitOptions): EmittedProgram {
  const { tiled, fused, inPieces = false, into, outputs: names } = options;
  const program = joinTokenPasses(expandComposites(original, nativeComposites(tiled, fused)));
  const types = valueTypes(program);
  const needed = neededValues(program);
  const graph = into?.graph ?? new OnnxGraph();
  const values: (OnnxName | undefined)[] = program.parameters.map((type, index) =>
    isEmpty(type) ? undefined : (into?.values[index] ?? graph.input(`input_${index}`, type.dtype, type.shape)),
  );
  const inputs = [...values];
  const pieces = inPieces ? cuttable(program, values) : undefined;
  const emitter = createEmitter(graph, findSymbols(program, values), { tiled, pieces, sizes: into?.sizes });
  const alone = soleResults(program);

  let next = program.parameters.length;
  for (const instruction of program.instructions) {
    const ids = instruction.outputs.map(() => next++);
    if (!ids.some((id) => needed.has(id))) continue;
    graph.label = instruction.op === 'composite' ? instruction.name : instruction.op;
    const call = {
      attributes: instruction.attributes,
      inputs: instruction.inputs.map((id) => values[id] ?? ''),
      inputTypes: instruction.inputs.map((id) => types[id]!),
      outputTypes: instruction.outputs,
      leaving: ids.map((id) => alone.has(id)),
      needed: ids.map((id) => needed.has(id)),
    };
    emitInstruction(emitter, instruction, call).forEach((name, index) => (values[ids[index]!] = name));
  }

  graph.label = '';
  const outputPieces = new Map<number, readonly Piece[]>();
  const outputs = program.results.map((id, index) => {
    const type = types[id]!;
    if (isEmpty(type)) return undefined;
    // An input can not be an output, and no value can be two of them.
    const leave = (value: OnnxName, name: OnnxName, shape: Shape): OnnxName => {
      graph.rename(value, name);
      graph.output(name, type.dtype, shape);
      return name;
    };
    const name = names?.[index] ?? `output_${index}`;
    const parts = pieces?.results.get(values[id]!);
    if (parts === undefined) return leave(values[id]!, name, type.shape);
    outputPieces.set(
      index,
      parts.map((part, order) => ({ ...part, value: leave(part.value, `${name}_${order}`, part.shape) })),
    );
    return name;
  });
  const inputPieces = new Map(inputs.map((name, index) => [index, pieces?.inputs.get(name ?? '') ?? []]));
  return { graph, inputs, outputs, inputPieces, outputPieces };
}

/** Inputs of which pieces may be taken: float32 of known sizes. */
function cuttable(program: Program, inputs: readonly (OnnxName | undefined)[]): Pieces {
  const names = inputs.filter((name, index) => {
    const { dtype, shape } = program.parameters[index]!;
    return name !== undefined && dtype === 'float32' && shape.every((size) => typeof size === 'number');
  });
  return { inputs: new Map(names.map((name) => [name!, []])), results: new Map() };
}

/** Values that are one result and no instruction's operand. */
function soleResults({ instructions, results }: Program): ReadonlySet<number> {
  const used = new Set(instructions.flatMap(({ inputs }) => inputs));
  return new Set(
    results.filter((id, index) => !used.has(id) && results.indexOf(id, index + 1) < 0 && results.indexOf(id) === index),
  );
}

function emitInstruction(
  emitter: Emitter,
  instruction: Instruction,
  call: EmitCall<Instruction['attributes']>,
): readonly OnnxName[] {
  if (instruction.op === 'composite') {
    return composites[instruction.name]!(emitter, call as EmitCall<typeof instruction.attributes>);
  }
  const emit = primitives[instruction.op] as EmitPrimitive<PrimitiveOp>;
  return [emit(emitter, call as EmitCall<PrimitiveAttributes[PrimitiveOp]>)];
}

/** The input and axis where the size of each symbol can be read. */
function findSymbols(program: Program, inputs: readonly (OnnxName | undefined)[]): ReadonlyMap<string, SymbolPlace> {
  const places = new Map<string, SymbolPlace>();
  program.parameters.forEach((type, index) => {
    const input = inputs[index];
    if (input === undefined) return;
    type.shape.forEach((size, axis) => {
      if (typeof size === 'string' && !places.has(size)) places.set(size, { input, axis });
    });
  });
  return places;
}
