import type { PrimitiveAttributes, PrimitiveOp } from './attributes.ts';
import type { TensorType } from './tensor-type.ts';

/**
 * Number of a value within its program: first the parameters, then the outputs of the
 * instructions in order. Every value is defined once, before its uses (SSA).
 */
export type ValueId = number;

export interface InstructionCommon {
  readonly inputs: readonly ValueId[];
  /** Types of the values that this instruction defines; primitives define one. */
  readonly outputs: readonly TensorType[];
}

/** One primitive op; see {@link PrimitiveAttributes} for each op's meaning. */
export type PrimitiveInstruction = {
  [Op in PrimitiveOp]: InstructionCommon & { readonly op: Op; readonly attributes: PrimitiveAttributes[Op] };
}[PrimitiveOp];

/** Settings of a composite, part of its identity: numbers, texts, flags or lists of numbers. */
export type CompositeAttributes = Readonly<Record<string, number | string | boolean | readonly number[]>>;

/**
 * A named operation that carries its own meaning: `decomposition` computes it from simpler
 * ops. A backend that has a kernel for `name` may run that instead; any other runs the decomposition.
 */
export interface CompositeInstruction extends InstructionCommon {
  readonly op: 'composite';
  /** With a version, such as `softmax/1`. A changed meaning gets a new version. */
  readonly name: string;
  readonly attributes: CompositeAttributes;
  readonly decomposition: Program;
  /**
   * A closed form of the derivative, preferred by `differentiate` over the decomposition's.
   * Parameters: the inputs, the outputs, then a cotangent for each float output.
   * Results: a cotangent for each float input, in order.
   */
  readonly gradient: Program | undefined;
}

export type Instruction = PrimitiveInstruction | CompositeInstruction;

/**
 * An immutable, typed list of instructions: the one thing that every backend runs.
 * It is plain data (no functions, no device values): it can be printed, compared,
 * differentiated, costed, sent to a worker, or compiled.
 */
export interface Program {
  /** For messages and the text form; not part of equality. */
  readonly name: string;
  readonly parameters: readonly TensorType[];
  readonly instructions: readonly Instruction[];
  /** The values returned, in order; a value may be returned twice, and a parameter may be returned. */
  readonly results: readonly ValueId[];
}

/** A program with names for what goes in and comes out, as a file has them. */
export interface NamedProgram {
  readonly program: Program;
  /** Of each parameter. */
  readonly inputs: readonly string[];
  /** Of each result. */
  readonly outputs: readonly string[];
  /** For symbols that no parameter's shape has, the int32 input that tells them: they are one more than its largest number. */
  readonly sizes?: Readonly<Record<string, string>>;
  /** Texts that readers of a file can look up. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Types of all values of a program, indexed by {@link ValueId}. */
export function valueTypes(program: Program): TensorType[] {
  const types = [...program.parameters];
  for (const instruction of program.instructions) types.push(...instruction.outputs);
  return types;
}

/** Types of the results of a program. */
export function resultTypes(program: Program): TensorType[] {
  const types = valueTypes(program);
  return program.results.map((id) => types[id]!);
}
