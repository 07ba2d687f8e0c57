import { DdclError } from '../errors/ddcl-error.ts';
import { isFloat } from '../program/dtype.ts';
import { scalar, zeros } from '../program/ops/create.ts';
import type { Instruction, Program, ValueId } from '../program/program.ts';
import { resultTypes } from '../program/program.ts';
import { formatType, sameType } from '../program/tensor-type.ts';
import { requireTraced, Tensor, trace } from '../program/trace.ts';
import { accumulate, elementwiseRules } from './rules/elementwise.ts';
import { indexingRules } from './rules/indexing.ts';
import { layoutRules } from './rules/layout.ts';
import { matmulRules } from './rules/matmul.ts';
import { reduceRules } from './rules/reduce.ts';
import type { Rule, RuleTable } from './rules/rule.ts';

const rules: RuleTable = { ...elementwiseRules, ...reduceRules, ...matmulRules, ...layoutRules, ...indexingRules };

/** Cotangents of an instruction's inputs, given those of its outputs (undefined means zero). */
function pullBack(
  instruction: Instruction,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
): readonly (Tensor | undefined)[] {
  if (instruction.op !== 'composite') {
    const rule = rules[instruction.op] as Rule<unknown>;
    return rule({ inputs, output: outputs[0]!, attributes: instruction.attributes, cotangent: cotangents[0]! });
  }
  const { builder } = inputs[0]!;
  const filled = outputs.flatMap((output, index) =>
    isFloat(output.dtype) ? [cotangents[index] ?? zeros(output, output.type)] : [],
  );
  const closed = instruction.gradient;
  const values = closed === undefined ? [...inputs, ...filled] : [...inputs, ...outputs, ...filled];
  const results = builder.inline(
    closed ?? vjpProgram(instruction.decomposition),
    values.map((value) => value.id),
  );
  const flowing = results.map((id) => new Tensor(builder, id));
  return inputs.map((input) => (isFloat(input.dtype) ? flowing.shift() : undefined));
}

/** Values that depend on one of `roots`, found backwards from `from`. */
function dependents(from: readonly Tensor[], roots: readonly Tensor[]): Set<ValueId> {
  const rootIds = new Set(roots.map((root) => root.id));
  const known = new Map<ValueId, boolean>();
  const { builder } = from[0]!;
  const visit = (start: ValueId): void => {
    // Depth first with an explicit stack: programs can be longer than the call stack is deep.
    const stack = [start];
    while (stack.length > 0) {
      const id = stack.at(-1)!;
      const inputs = builder.definitionOf(id)?.instruction.inputs ?? [];
      const open = inputs.filter((input) => !known.has(input));
      if (known.has(id) || open.length === 0) {
        known.set(id, rootIds.has(id) || inputs.some((input) => known.get(input)));
        stack.pop();
      } else {
        stack.push(...open);
      }
    }
  };
  for (const tensor of from) visit(tensor.id);
  return new Set([...known].filter(([, depends]) => depends).map(([id]) => id));
}

/**
 * Vector-Jacobian product inside a trace: given cotangents of `outputs`, the cotangents of `wrt`
 * (total derivatives: paths through one member of `wrt` to another count). Composites use their closed form where
 * they have one.
 *
 * @throws DdclError `dtype` if an output or a tensor of `wrt` is int32; `argument` if a cotangent has another type than
 * its output, or a tensor belongs to another trace
 */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const first = outputs[0];
  if (first === undefined || outputs.length !== cotangents.length) {
    throw new DdclError(
      'argument',
      `vjp takes one cotangent per output, but got ${cotangents.length} for ${outputs.length} outputs.`,
    );
  }
  const { builder } = first;
  for (const cotangent of cotangents) requireTraced(builder, cotangent);
  for (const tensor of [...outputs, ...wrt]) {
    requireTraced(builder, tensor);
    if (!isFloat(tensor.dtype))
      throw new DdclError('dtype', `Only floats have a derivative, but ${tensor} was asked for.`);
  }
  const relevant = dependents(outputs, wrt);
  const flowing = new Map<ValueId, Tensor>();
  outputs.forEach((output, index) => {
    const cotangent = cotangents[index]!;
    if (!sameType(output.type, cotangent.type)) {
      throw new DdclError(
        'argument',
        `The cotangent of ${formatType(output.type)} must have the same type, but got ${formatType(cotangent.type)}.`,
      );
    }
    if (relevant.has(output.id)) flowing.set(output.id, accumulate(flowing.get(output.id), cotangent));
  });

  // Values are numbered in the order of definition, so descending order visits each after all its uses.
  const definitions = new Set([...relevant].flatMap((id) => builder.definitionOf(id) ?? []));
  for (const { instruction, first: start } of [...definitions].sort((a, b) => b.first - a.first)) {
    const outs = instruction.outputs.map((_, index) => new Tensor(builder, start + index));
    const incoming = outs.map((out) => flowing.get(out.id));
    if (incoming.every((cotangent) => cotangent === undefined || builder.isZero(cotangent.id))) continue;
    const inputs = instruction.inputs.map((input) => new Tensor(builder, input));
    pullBack(instruction, inputs, outs, incoming).forEach((cotangent, index) => {
      const input = inputs[index]!;
      if (cotangent !== undefined && relevant.has(input.id)) {
        flowing.set(input.id, accumulate(flowing.get(input.id), cotangent));
      }
    });
  }
  return wrt.map((tensor) => flowing.get(tensor.id) ?? zeros(tensor, tensor.type));
}

/** Gradients of a scalar inside a trace. */
export function grad(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (output.shape.length !== 0) {
    throw new DdclError('shape', `grad takes a scalar, but got ${formatType(output.type)}. Sum it first, or use vjp.`, {
      shapes: [output.shape],
    });
  }
  return vjp([output], [scalar(output, 1)], wrt);
}

const vjpPrograms = new WeakMap<Program, Program>();

/**
 * The vector-Jacobian product of a whole program. Parameters: the program's, then a cotangent for
 * each float result; results: a cotangent for each float parameter.
 */
export function vjpProgram(program: Program): Program {
  let made = vjpPrograms.get(program);
  if (made === undefined) {
    const floats = resultTypes(program).filter((type) => isFloat(type.dtype));
    made = trace(
      [...program.parameters, ...floats],
      (...tensors) => {
        const inputs = (tensors as Tensor[]).slice(0, program.parameters.length);
        const cotangents = (tensors as Tensor[]).slice(program.parameters.length);
        const { builder } = inputs[0]!;
        const results = builder
          .inline(
            program,
            inputs.map((input) => input.id),
          )
          .map((id) => new Tensor(builder, id));
        return vjp(
          results.filter((result) => isFloat(result.dtype)),
          cotangents,
          inputs.filter((input) => isFloat(input.dtype)),
        );
      },
      `${program.name} vjp`,
    );
    vjpPrograms.set(program, made);
  }
  return made;
}
