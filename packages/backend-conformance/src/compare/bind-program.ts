import { bindInputs, BoundedCache, specialise, type ConcreteType, type Program } from '@ddcl/core/backend';

/** One case binds the same program several times: for the oracle, for the types of its results, for its title. */
const recent = new WeakMap<Program, BoundedCache<Program>>();

/** The program for inputs of these types: itself, or with its symbols replaced by their sizes. */
export function bindProgram(program: Program, inputs: readonly ConcreteType[]): Program {
  const bindings = bindInputs(program, inputs);
  if (Object.keys(bindings).length === 0) return program;
  const known = recent.get(program) ?? new BoundedCache<Program>(8);
  recent.set(program, known);
  const key = JSON.stringify(bindings);
  const bound = known.get(key) ?? specialise(program, bindings);
  known.set(key, bound);
  return bound;
}
