import { valueTypes, type Program, type ValueId } from '../program/program.ts';
import { isEmpty } from '../program/rewrite-empty.ts';

/**
 * Values that results with elements depend on. Nothing else need be computed: outputs of a composite that are not among them may be
 * left out.
 */
export function neededValues(program: Program): ReadonlySet<ValueId> {
  const types = valueTypes(program);
  const needed = new Set(program.results.filter((id) => !isEmpty(types[id]!)));
  let first = types.length;
  for (const instruction of [...program.instructions].reverse()) {
    first -= instruction.outputs.length;
    if (!instruction.outputs.some((_, output) => needed.has(first + output))) continue;
    for (const id of instruction.inputs) if (!isEmpty(types[id]!)) needed.add(id);
  }
  return needed;
}
