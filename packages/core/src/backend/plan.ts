import { expandComposites } from '../program/expand.ts';
import type { CompositeAttributes, Instruction, Program, ValueId } from '../program/program.ts';
import { valueTypes } from '../program/program.ts';
import { elementCount, requireConcrete, type ConcreteType } from '../program/tensor-type.ts';
import { joinTokenPasses } from './join-token-passes.ts';
import type { CompositeCall, KernelCall } from './kernels.ts';
import { neededValues } from './needed-values.ts';
import { tokenPassComposites, tokenPassName } from './token-pass.ts';

/** Numbers of an operand or result from which on a kernel may take long enough for a look at the clock: hundreds of those with fewer do not. */
const fewestNumbers = 2048;

/** One instruction with what the walker needs to know about its values. */
export interface PlanStep {
  readonly instruction: Instruction;
  readonly outputs: readonly ValueId[];
  /** What its kernel is told at each run; an output is needed if something needs it and it has elements. */
  readonly call: CompositeCall & KernelCall<unknown>;
  /** Whether its kernel runs at all: some output is needed. */
  readonly runs: boolean;
  /** Whether a pause may follow: its operands and results are many numbers. */
  readonly pauses: boolean;
  /** Values that nothing needs after this step. Parameters and results are never among them. */
  readonly dead: readonly ValueId[];
}

/** A concrete program made ready for the walker. */
export interface KernelPlan {
  readonly program: Program;
  readonly types: readonly ConcreteType[];
  readonly steps: readonly PlanStep[];
}

/** The names of composites that a table of kernels covers: a token pass stands for all that it computes. */
export function coveredComposites(kernels: Iterable<string>): string[] {
  return [...kernels].flatMap((name) => (name === tokenPassName ? tokenPassComposites : [name]));
}

/**
 * Orders the work of a program and finds where each value dies.
 * @param composites names of composites that have a kernel; the others are decomposed. With `ddcl.tokenPass/1`, what it computes is joined
 * @throws DdclError `shape` if the program still holds a symbol
 */
export function planKernels(program: Program, composites: Iterable<string>): KernelPlan {
  const kernels = new Set(composites);
  const separate = expandComposites(program, coveredComposites(kernels));
  const expanded = kernels.has(tokenPassName) ? joinTokenPasses(separate) : separate;
  const neededIds = neededValues(expanded);
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
    const needed = outputs.map((id) => neededIds.has(id) && elementCount(types[id]!.shape) > 0);
    return {
      instruction,
      outputs,
      call: {
        attributes: instruction.attributes as CompositeAttributes,
        inputTypes: instruction.inputs.map((id) => types[id]!),
        outputTypes,
        outputType: outputTypes[0]!,
        needed,
      },
      runs: needed.includes(true),
      pauses: [...instruction.inputs, ...outputs].some((id) => elementCount(types[id]!.shape) >= fewestNumbers),
      dead: deadAfter.get(index) ?? [],
    };
  });
  return { program: expanded, types, steps };
}
