import { expandComposites } from '../program/expand.ts';
import type { Instruction, Program, ValueId } from '../program/program.ts';
import { valueTypes } from '../program/program.ts';
import { elementCount, requireConcrete, type ConcreteType } from '../program/tensor-type.ts';

/** One instruction with what the walker needs to know about its values. */
export interface PlanStep {
  readonly instruction: Instruction;
  readonly outputs: readonly ValueId[];
  readonly inputTypes: readonly ConcreteType[];
  readonly outputTypes: readonly ConcreteType[];
  /** Whether any output has elements; if none has, no kernel runs. */
  readonly runs: boolean;
  /** Values that nothing needs after this step. Parameters and results are never among them. */
  readonly dead: readonly ValueId[];
}

/** A concrete program made ready for the walker. */
export interface KernelPlan {
  readonly program: Program;
  readonly types: readonly ConcreteType[];
  readonly steps: readonly PlanStep[];
}

/**
 * Orders the work of a program and finds where each value dies.
 * @param composites names of composites that have a kernel; the others are decomposed
 * @throws DdclError `shape` if the program still holds a symbol
 */
export function planKernels(program: Program, composites: Iterable<string>): KernelPlan {
  const expanded = expandComposites(program, composites);
  const types = valueTypes(expanded).map((type) => requireConcrete(type, `A value of ${program.name}`));
  const kept = new Set<ValueId>([...expanded.parameters.keys(), ...expanded.results]);

  const lastUse = new Map<ValueId, number>();
  let next = expanded.parameters.length;
  expanded.instructions.forEach((instruction, step) => {
    for (const id of instruction.inputs) lastUse.set(id, step);
    for (const _ of instruction.outputs) lastUse.set(next++, step);
  });
  const deadAfter = new Map<number, ValueId[]>();
  for (const [id, step] of lastUse) {
    if (!kept.has(id)) deadAfter.set(step, [...(deadAfter.get(step) ?? []), id]);
  }

  let first = expanded.parameters.length;
  const steps = expanded.instructions.map((instruction, index) => {
    const outputs = instruction.outputs.map((_, output) => first + output);
    first += outputs.length;
    const outputTypes = outputs.map((id) => types[id]!);
    return {
      instruction,
      outputs,
      inputTypes: instruction.inputs.map((id) => types[id]!),
      outputTypes,
      runs: outputTypes.some((type) => elementCount(type.shape) > 0),
      dead: deadAfter.get(index) ?? [],
    };
  });
  return { program: expanded, types, steps };
}
