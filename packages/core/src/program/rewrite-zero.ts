import type { ProgramBuilder } from './builder.ts';
import type { PrimitiveInstruction, ValueId } from './program.ts';
import { sameType } from './tensor-type.ts';

/**
 * Replaces arithmetic with values known to be zero. Differentiation makes many such values
 * (cotangents of unused outputs), and all values are finite by contract, so 0 * x is 0.
 */
export function rewriteZero(builder: ProgramBuilder, instruction: PrimitiveInstruction): ValueId | undefined {
  const output = instruction.outputs[0]!;
  const inputs = instruction.inputs;
  const zero = (position: number): boolean => builder.isZero(inputs[position]!);
  const keepsType = (position: number): boolean => sameType(builder.typeOf(inputs[position]!), output);
  switch (instruction.op) {
    case 'mul':
    case 'matmul':
      return zero(0) || zero(1) ? builder.zeros(output) : undefined;
    case 'div':
    case 'neg':
    case 'detach':
    case 'sum':
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'gather':
    case 'segmentSum':
      return zero(0) ? builder.zeros(output) : undefined;
    case 'broadcastTo':
      if (keepsType(0)) return inputs[0];
      return zero(0) ? builder.zeros(output) : undefined;
    case 'add':
      if (zero(0) && zero(1)) return builder.zeros(output);
      if (zero(0) && keepsType(1)) return inputs[1];
      return zero(1) && keepsType(0) ? inputs[0] : undefined;
    case 'sub':
      if (zero(0) && zero(1)) return builder.zeros(output);
      return zero(1) && keepsType(0) ? inputs[0] : undefined;
    default:
      return undefined;
  }
}
