import { ProgramBuilder } from './builder.ts';
import type { CompositeInstruction, Program, ValueId } from './program.ts';
import { isEmpty } from './rewrite-empty.ts';

function rebuild(program: Program, keep: ReadonlySet<string>): Program {
  const builder = new ProgramBuilder();
  const kept = (instruction: CompositeInstruction, operands: readonly ValueId[]): boolean =>
    keep.has(instruction.name) && ![...operands.map((id) => builder.typeOf(id)), ...instruction.outputs].some(isEmpty);
  const inline = (part: Program, inputs: readonly ValueId[]): ValueId[] => {
    const values = [...inputs];
    for (const instruction of part.instructions) {
      const operands = instruction.inputs.map((id) => values[id]!);
      if (instruction.op !== 'composite')
        values.push(builder.add(instruction.op, operands, instruction.attributes as never));
      else if (kept(instruction, operands)) values.push(...builder.addComposite({ ...instruction, inputs: operands }));
      else values.push(...inline(instruction.decomposition, operands));
    }
    return part.results.map((id) => values[id]!);
  };
  const parameters = program.parameters.map((type) => builder.parameter(type));
  return builder.build(program.name, inline(program, parameters));
}

/**
 * Replaces composites by their decompositions, all the way down.
 * @param keep names (with version) of composites to leave in place, because the backend has a kernel for them; one
 *   with an operand or output known to be empty is replaced all the same, because no kernel meets empty tensors
 */
export function expandComposites(program: Program, keep: Iterable<string> = []): Program {
  return rebuild(program, new Set(keep));
}
