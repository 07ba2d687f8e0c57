import { ProgramBuilder } from '../program/builder.ts';
import { isFloat } from '../program/dtype.ts';
import { expandComposites } from '../program/expand.ts';
import { resultTypes, valueTypes, type Instruction, type Program, type ValueId } from '../program/program.ts';
import { Tensor, trace } from '../program/trace.ts';
import { vjp } from './vjp.ts';

/** A program and its vector-Jacobian product in two passes, of which the second computes nothing again that the first has made. */
export interface SplitGradient {
  /** The program's parameters to its results, then what the second pass needs. */
  readonly forward: Program;
  /** How many of those there are. */
  readonly residuals: number;
  /**
   * Of the program's parameters, the residuals, and a cotangent for each of `outputs`: a cotangent for each of `inputs`.
   *
   * @param isThere for each of `outputs` whether there is a cotangent; nothing is computed for those that are missing. Default all
   */
  readonly backward: (isThere?: readonly boolean[]) => Program;
  /** Float results that some gradient depends on, by number; the others have none to give. */
  readonly outputs: readonly number[];
  /** Float parameters whose gradient is not zero whatever comes, by number. */
  readonly inputs: readonly number[];
}

/** What takes no arithmetic is made again, and not kept. */
const free: readonly string[] = ['constant', 'iota', 'reshape', 'broadcastTo'];

/**
 * Splits a program with its gradient for runtimes that ask for the gradient later, such as the custom gradients of tfjs. Values of both passes that are equal are made
 * once: composites are expanded first, so also those inside of closed forms.
 *
 * @param keep names of composites that stay whole, since the runtime has kernels for them
 */
export function splitGradient(program: Program, keep: Iterable<string> = []): SplitGradient {
  const count = program.parameters.length;
  const expanded = withoutDetach(expandComposites(withGradients(program), keep));
  const results = expanded.results.slice(0, program.results.length);
  const gradients = expanded.results.slice(program.results.length);

  // A gradient is linear in the cotangents: one that depends on none is zero.
  const late = new Set<ValueId>(expanded.parameters.keys());
  for (let id = 0; id < count; id++) late.delete(id);
  const definitions = new Map<ValueId, Instruction>();
  forEachInstruction(expanded, (instruction, outputs) => {
    for (const id of outputs) definitions.set(id, instruction);
    if (instruction.inputs.some((id) => late.has(id))) for (const id of outputs) late.add(id);
  });
  const floats = [...program.parameters.keys()].filter((index) => isFloat(program.parameters[index]!.dtype));
  const inputs = floats.filter((_, index) => late.has(gradients[index]!));
  const wanted = gradients.filter((id) => late.has(id));

  const [kept, remade, cotangents] = [new Set<ValueId>(), new Set<Instruction>(), new Set<ValueId>()];
  const seen = new Set<ValueId>();
  const visit = (start: readonly ValueId[]): void => {
    const stack = [...start];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const instruction = definitions.get(id);
      if (instruction === undefined) {
        if (id >= count) cotangents.add(id);
      } else if (late.has(id) || free.includes(instruction.op)) {
        if (!late.has(id)) remade.add(instruction);
        stack.push(...instruction.inputs);
      } else {
        kept.add(id);
      }
    }
  };
  visit(wanted);

  const residuals = [...kept].sort((a, b) => a - b);
  const used = [...cotangents].sort((a, b) => a - b);
  const floatResults = resultTypes(program).flatMap(({ dtype }, index) => (isFloat(dtype) ? [index] : []));
  const types = valueTypes(expanded);
  const own = [...program.parameters.keys()];
  const backward = part(
    expanded,
    `${program.name} backward`,
    [...own, ...residuals, ...used],
    (outputs, instruction) => late.has(outputs[0]!) || remade.has(instruction),
    wanted,
  );
  return {
    forward: part(expanded, program.name, own, (outputs) => !late.has(outputs[0]!), [...results, ...residuals]),
    residuals: residuals.length,
    backward: (isThere) =>
      isThere?.includes(false) === true ? withoutMissing(backward, count + residuals.length, isThere) : backward,
    outputs: used.map((id) => floatResults[id - count]!),
    inputs,
  };

  /** Some instructions as a program of its own, with values of the whole as parameters. */
  function part(
    whole: Program,
    name: string,
    parameters: readonly ValueId[],
    isIn: (outputs: readonly ValueId[], instruction: Instruction) => boolean,
    ids: readonly ValueId[],
  ): Program {
    const builder = new ProgramBuilder();
    const values = new Map<ValueId, ValueId>(parameters.map((id) => [id, builder.parameter(types[id]!)]));
    forEachInstruction(whole, (instruction, outputs) => {
      if (!isIn(outputs, instruction) || outputs.some((id) => values.has(id))) return;
      // What leads to no result may lack operands.
      if (!instruction.inputs.every((id) => values.has(id))) return;
      const operands = instruction.inputs.map((id) => values.get(id)!);
      const made = add(builder, instruction, operands);
      outputs.forEach((id, index) => values.set(id, made[index]!));
    });
    return builder.build(
      name,
      ids.map((id) => values.get(id)!),
    );
  }
}

/** Parameters and a cotangent per float result, to the results and a cotangent per float parameter. */
function withGradients(program: Program): Program {
  const floats = resultTypes(program).filter(({ dtype }) => isFloat(dtype));
  return trace([...program.parameters, ...floats], (...tensors) => {
    const all = tensors as Tensor[];
    const inputs = all.slice(0, program.parameters.length);
    const { builder } = all[0]!;
    const ids = builder.inline(
      program,
      inputs.map(({ id }) => id),
    );
    const results = ids.map((id) => new Tensor(builder, id));
    const outputs = results.filter(({ dtype }) => isFloat(dtype));
    const wrt = inputs.filter(({ dtype }) => isFloat(dtype));
    return [...results, ...vjp(outputs, all.slice(program.parameters.length), wrt)];
  });
}

/** A program with zeros for some of its last parameters. */
function withoutMissing(program: Program, first: number, isThere: readonly boolean[]): Program {
  const builder = new ProgramBuilder();
  const isGiven = program.parameters.map((_, index) => index < first || isThere[index - first]!);
  const given = program.parameters.map((type, index) => (isGiven[index] ? builder.parameter(type) : undefined));
  const ids = given.map((id, index) => id ?? builder.zeros(program.parameters[index]!));
  return builder.build(program.name, builder.inline(program, ids));
}

/** Stopped gradients have done their work: what is equal but for them is made once. */
function withoutDetach(program: Program): Program {
  const builder = new ProgramBuilder();
  const values: ValueId[] = program.parameters.map((type) => builder.parameter(type));
  for (const instruction of program.instructions) {
    const operands = instruction.inputs.map((id) => values[id]!);
    if (instruction.op === 'detach') values.push(operands[0]!);
    else values.push(...add(builder, instruction, operands));
  }
  return builder.build(
    program.name,
    program.results.map((id) => values[id]!),
  );
}

function add(builder: ProgramBuilder, instruction: Instruction, inputs: readonly ValueId[]): readonly ValueId[] {
  if (instruction.op === 'composite') return builder.addComposite({ ...instruction, inputs });
  return [builder.add(instruction.op, inputs, instruction.attributes as never)];
}

function forEachInstruction(
  program: Program,
  visit: (instruction: Instruction, outputs: readonly ValueId[]) => void,
): void {
  let first = program.parameters.length;
  for (const instruction of program.instructions) {
    visit(
      instruction,
      instruction.outputs.map((_, index) => first + index),
    );
    first += instruction.outputs.length;
  }
}
