import type { TypedArray } from './dtype.ts';
import { numberKey } from './key.ts';
import type { Instruction, Program, ValueId } from './program.ts';
import { formatType } from './tensor-type.ts';

const mostElements = 8;

function formatValue(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const elements = Array.from(value as TypedArray, numberKey);
    return elements.length <= mostElements
      ? `[${elements.join(', ')}]`
      : `[${elements.slice(0, mostElements).join(', ')}, ... ${elements.length}]`;
  }
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

/** Flags that are false are left out, flags that are true stand as their name. */
function formatAttributes(attributes: object): string {
  const parts = Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name}: ${formatValue(value)}`));
  return parts.length === 0 ? '' : ` {${parts.join(', ')}}`;
}

function formatInstruction(instruction: Instruction, first: ValueId): string {
  const outputs = instruction.outputs.map((_, index) => `%${first + index}`).join(', ');
  const name = instruction.op === 'composite' ? instruction.name : instruction.op;
  const operands = instruction.inputs.map((id) => `%${id}`).join(', ');
  const types = instruction.outputs.map(formatType).join(', ');
  return `  ${outputs} = ${name}(${operands})${formatAttributes(instruction.attributes)}  ${types}`;
}

/**
 * A program as people read it: one line per instruction, with its type.
 *
 *     program norms(%0: f32[n,384]) -> (f32[n])
 *       %1 = mul(%0, %0)  f32[n,384]
 *       %2 = sum(%1) {axes: [1]}  f32[n]
 *       return %2
 */
export function formatProgram(program: Program): string {
  const types = [...program.parameters];
  const lines = program.instructions.map((instruction) => {
    const line = formatInstruction(instruction, types.length);
    types.push(...instruction.outputs);
    return line;
  });
  const parameters = program.parameters.map((type, id) => `%${id}: ${formatType(type)}`).join(', ');
  const results = program.results.map((id) => formatType(types[id]!)).join(', ');
  return [
    `program ${program.name}(${parameters}) -> (${results})`,
    ...lines,
    `  return ${program.results.map((id) => `%${id}`).join(', ')}`,
  ].join('\n');
}
