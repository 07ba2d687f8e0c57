import { ProgramBuilder } from '../program/builder.ts';
import { expandComposites } from '../program/expand.ts';
import { valueTypes, type Program } from '../program/program.ts';
import { isEmpty } from '../program/rewrite-empty.ts';

/**
 * A concrete program without results that have no elements, and so without instructions that have none: what a device is asked to do.
 * @param keep names of composites that stay; the others are decomposed
 */
export function nonEmptyProgram(program: Program, keep: Iterable<string>): Program {
  const expanded = expandComposites(program, keep);
  const types = valueTypes(expanded);
  if (!expanded.results.some((id) => isEmpty(types[id]!))) return expanded;
  const builder = new ProgramBuilder();
  const parameters = expanded.parameters.map((type) => builder.parameter(type));
  const results = builder.inline(expanded, parameters);
  return builder.build(
    expanded.name,
    results.filter((_, index) => !isEmpty(types[expanded.results[index]!]!)),
  );
}
