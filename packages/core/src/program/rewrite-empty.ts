import type { ProgramBuilder } from './builder.ts';
import type { PrimitiveInstruction, ValueId } from './program.ts';
import type { TensorType } from './tensor-type.ts';

/** Whether a type is known to have no elements. */
export function isEmpty(type: TensorType): boolean {
  return type.shape.includes(0);
}

/**
 * Replaces an instruction that has an operand without elements but a result with some: a sum
 * of nothing is zeros, and `concat` leaves the operand out. What has no elements itself is
 * never computed by the runner, so it needs no rewriting.
 */
export function rewriteEmpty(builder: ProgramBuilder, instruction: PrimitiveInstruction): ValueId | undefined {
  const output = instruction.outputs[0]!;
  const empty = (id: ValueId): boolean => isEmpty(builder.typeOf(id));
  if (isEmpty(output) || !instruction.inputs.some(empty)) return undefined;
  switch (instruction.op) {
    case 'sum':
    case 'matmul':
    case 'segmentSum':
      return builder.zeros(output);
    case 'concat': {
      const rest = instruction.inputs.filter((id) => !empty(id));
      return rest.length === 1 ? rest[0] : builder.add('concat', rest, instruction.attributes);
    }
    default:
      return undefined;
  }
}
