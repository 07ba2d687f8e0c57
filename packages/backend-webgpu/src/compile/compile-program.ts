import {
  expandComposites,
  isConcrete,
  joinTokenPasses,
  neededValues,
  specialise,
  tokenPassComposites,
  tokenPassName,
  valueTypes,
  type Bindings,
  type CompositeAttributes,
  type CompositeInstruction,
  type ConcreteType,
  type DType,
  type Program,
  type TensorType,
} from '@ddcl/core/backend';
import { PlanBuilder, type KernelLimits } from '../plan/plan-builder.ts';
import type { Plan } from '../plan/plan.ts';
import { sizesOf } from '../wgsl/size.ts';
import type { Scalar, Value } from '../wgsl/value.ts';
import { makeExpression } from './expressions.ts';
import { makeKernel, type TileOf } from './kernel-ops.ts';
import { isKernelOp, storedValues } from './stored-values.ts';

/** Makes the outputs of a composite, of which some may be needed by nobody: those are not asked for. */
export type CompositeMaker = (
  plan: PlanBuilder,
  inputs: readonly Value[],
  attributes: CompositeAttributes,
) => readonly (() => Value)[];

/** What a compilation is told beside the program. */
export interface CompileOptions {
  readonly limits: KernelLimits;
  /** Composites with kernels of their own, by versioned name. */
  readonly composites: Readonly<Record<string, CompositeMaker>>;
  /** Tiles of products, for those who measure them; by default they are chosen by the sizes. */
  readonly tileOf?: TileOf;
}

const scalars: Readonly<Partial<Record<DType, Scalar>>> = { float32: 'f32', float16: 'f32', int32: 'i32' };

/**
 * Plans a program for the sizes that its symbols take. The sizes decide on tiles and ranges only; the text of kernels holds symbols, so
 * that other sizes find their pipelines made.
 *
 * @param program whose types the backend has, and whose buffers fit
 */
export function compileProgram(program: Program, bindings: Bindings, options: CompileOptions): Plan {
  // Core takes instructions on empty tensors out of a program of known sizes.
  const isEmpty = Object.values(bindings).includes(0);
  const names = namesOf(options.composites);
  const separate = expandComposites(isEmpty ? specialise(program, bindings) : program, names);
  const expanded = tokenPassName in options.composites ? joinTokenPasses(separate) : separate;
  const symbols = isEmpty ? [] : Object.entries(bindings).sort(([a], [b]) => (a < b ? -1 : 1));
  const plan = new PlanBuilder(Object.fromEntries(symbols), options.limits);
  const concrete = valueTypes(expanded).map((type) => bindType(type, bindings));
  const isStored = storedValues(expanded);
  const needed = neededValues(expanded);
  const results = new Set(expanded.results);
  const values: (Value | undefined)[] = expanded.parameters.map((type, index) =>
    concrete[index]!.shape.includes(0)
      ? undefined
      : plan.parameter(index, scalars[type.dtype]!, sizesOf(type.shape, bindings), type.dtype === 'float16'),
  );
  for (const instruction of expanded.instructions) {
    const id = values.length;
    if (!instruction.outputs.some((_, output) => needed.has(id + output))) {
      values.push(...instruction.outputs.map(() => undefined));
      continue;
    }
    const inputs = instruction.inputs.map((input) => values[input]!);
    if (instruction.op === 'composite') {
      const outputs = makerOf(instruction, options)(plan, inputs, instruction.attributes);
      values.push(...outputs.map((make, output) => (needed.has(id + output) ? make() : undefined)));
      continue;
    }
    const [type] = instruction.outputs;
    const shape = sizesOf(type!.shape, bindings);
    const value = isKernelOp(instruction.op)
      ? makeKernel(plan, instruction, inputs, shape, options.tileOf)
      : makeExpression(plan, instruction, inputs, scalars[type!.dtype]!, shape);
    values.push(isStored[id] ? plan.store(value) : value);
    // Maps of results wait for each other; what they share they make once.
    if (results.has(id)) plan.store(value);
  }
  return plan.build(expanded.results.map((id) => ({ type: concrete[id]!, value: values[id] })));
}

function makerOf({ name }: CompositeInstruction, { composites }: CompileOptions): CompositeMaker {
  const maker = composites[name];
  if (maker === undefined) throw new TypeError(`no kernels for ${name}`);
  return maker;
}

/** The names of composites that stay whole: a pass over tokens stands for all that it computes. */
export function namesOf(composites: CompileOptions['composites']): string[] {
  return Object.keys(composites).flatMap((name) => (name === tokenPassName ? tokenPassComposites : [name]));
}

function bindType({ dtype, shape }: TensorType, bindings: Bindings): ConcreteType {
  const type = { dtype, shape: shape.map((size) => (typeof size === 'string' ? bindings[size]! : size)) };
  if (!isConcrete(type)) throw new TypeError('a symbol is not bound');
  return type;
}
