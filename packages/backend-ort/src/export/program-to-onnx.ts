import { DdclError, type NamedProgram, type Program } from '@ddcl/core/backend';
import { emitProgram, type EmitOptions } from '../emit/emit-program.ts';
import { cast } from '../emit/emitter.ts';
import { OnnxGraph, type OnnxName } from '../onnx/graph.ts';
import { modelBytes, modelProto } from '../onnx/model.ts';

export interface OnnxOptions {
  /**
   * Use ONNX Runtime's `com.microsoft.MultiHeadAttention` for `ddcl.attend/1` (the outputs of core's `readoutProgram`): it keeps no n x K
   * array; only that runtime reads the file then. Default false: standard ops.
   */
  readonly fused?: boolean;
}

/**
 * Any program of float32 and int32 as the bytes of an `.onnx` file; symbols become named dimensions. Inputs and outputs have the names of
 * a named program, such as core's `readoutProgram` makes, whose int32 inputs are int64 in the file, as other tools give them; else they
 * are `input_0`, `input_1`, ..., `output_0`, ... Parameters and results without elements are left out.
 *
 * @throws DdclError `argument` for `fused` where the program has no such outputs
 */
export function programToOnnx(source: Program | NamedProgram, { fused = false }: OnnxOptions = {}): Uint8Array {
  const named = 'program' in source ? source : undefined;
  const program = 'program' in source ? source.program : source;
  if (fused && !program.instructions.some((each) => each.op === 'composite' && each.name === 'ddcl.attend/1')) {
    throw new DdclError(
      'argument',
      `Fused attention gives the outputs of tokens, but '${program.name}' returns none of those. Leave fused out.`,
    );
  }
  const options = { tiled: false, fused };
  const { graph } = emitProgram(program, named === undefined ? options : { ...options, ...namedValues(named) });
  const details = { name: program.name, ...(named?.metadata && { metadata: named.metadata }) };
  return modelBytes(modelProto(graph, details));
}

/** The inputs of a file, as the values that the program takes, and the sizes that they tell. */
function namedValues({ program, inputs, outputs, sizes = {} }: NamedProgram): Pick<EmitOptions, 'into' | 'outputs'> {
  const graph = new OnnxGraph();
  const values = program.parameters.map(({ dtype, shape }, index) => {
    const name = inputs[index]!;
    if (dtype !== 'int32') return graph.input(name, dtype, shape);
    // A number beyond int32 is the last there is, and not what is left of its bits.
    const limit = (value: number): OnnxName => graph.constant('int64', [], BigInt64Array.of(BigInt(value)));
    const given = graph.node('Max', [graph.input(name, 'int64', shape), limit(-(2 ** 31))]);
    return cast(graph, graph.node('Min', [given, limit(2 ** 31 - 1)]), 'int32');
  });
  const told = Object.entries(sizes).filter(([, input]) => inputs.includes(input));
  const size = (input: OnnxName): OnnxName =>
    graph.node('Add', [graph.reduce('ReduceMax', input, [0], true), graph.int64s([1])]);
  return { into: { graph, values, sizes: new Map(told.map(([symbol, input]) => [symbol, size(input)])) }, outputs };
}
