import {
  elementCount,
  resultTypes,
  type CompositeInstruction,
  type ConcreteType,
  type PrimitiveInstruction,
  type Program,
} from '@ddcl/core/backend';
import { numbersOf } from '../oracle/half.ts';
import type { Value } from '../oracle/tensor.ts';
import { bindProgram } from './bind-program.ts';
import { exactly, type Enclosure } from './exact.ts';
import { roundingRules } from './rounding-rules.ts';
import { compositeTolerances, negligibleShare, tolerances, type ToleranceTable } from './tolerances.ts';

function runPrimitive(
  instruction: PrimitiveInstruction,
  inputs: readonly Enclosure[],
  table: ToleranceTable,
): Enclosure {
  const type = instruction.outputs[0] as ConcreteType;
  const data = exactly(instruction, inputs);
  return { type, data, bound: roundingRules(instruction, inputs, { type, data }, table) };
}

function runComposite(
  instruction: CompositeInstruction,
  inputs: readonly Enclosure[],
  table: ToleranceTable,
): Enclosure[] {
  const { factor } = compositeTolerances[instruction.name] ?? { factor: 1 };
  // An error that comes in with the operands is not the kernel's, but to tell them apart is not worth a second pass.
  return walk(instruction.decomposition, inputs, table, true).map((output) => ({
    ...output,
    bound: output.bound.map((bound, index) =>
      bound === 0 && output.data[index] === 0 ? 0 : bound * factor + negligibleShare,
    ),
  }));
}

function walk(program: Program, inputs: readonly Enclosure[], table: ToleranceTable, isNested: boolean): Enclosure[] {
  const values = [...inputs];
  for (const instruction of program.instructions) {
    const operands = instruction.inputs.map((id) => values[id]!);
    if (instruction.op !== 'composite') values.push(runPrimitive(instruction, operands, table));
    else if (isNested) values.push(...walk(instruction.decomposition, operands, table, true));
    else values.push(...runComposite(instruction, operands, table));
  }
  return program.results.map((id) => values[id]!);
}

/**
 * Runs a program in double precision and carries along how much rounding may change each number: the running error
 * analysis of Higham, Accuracy and Stability, section 3.3, with the allowances of {@link tolerances}. So each
 * element of each result has a tolerance of its own that knows about cancellation, magnitude and length of sums.
 *
 * @param program any; its symbols are bound by the inputs
 * @param table the allowances, if a backend has others for some ops
 */
export function evaluate(program: Program, inputs: readonly Value[], table: ToleranceTable = tolerances): Enclosure[] {
  const bound = bindProgram(
    program,
    inputs.map(({ type }) => type),
  );
  const results = walk(
    bound,
    inputs.map(({ type, data }) => ({ type, data: numbersOf(type, data), bound: new Float64Array(data.length) })),
    table,
    false,
  );
  const types = resultTypes(bound) as ConcreteType[];
  return results.map((result, index) => {
    if (result.data.length !== elementCount(types[index]!.shape)) throw new Error('the oracle made a wrong result');
    return { ...result, type: types[index]! };
  });
}
