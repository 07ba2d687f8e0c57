import { internalError } from '../errors/ddcl-error.ts';
import type { PrimitiveAttributes, PrimitiveOp } from './attributes.ts';
import { allocate } from './dtype.ts';
import { inferPrimitive } from './infer/infer.ts';
import { instructionKey } from './key.ts';
import type { CompositeInstruction, Instruction, PrimitiveInstruction, Program, ValueId } from './program.ts';
import { rewriteEmpty } from './rewrite-empty.ts';
import { rewriteZero } from './rewrite-zero.ts';
import type { TensorType } from './tensor-type.ts';

/**
 * Makes a program instruction by instruction. Equal instructions are made once, arithmetic
 * with known zeros is left out, operands without elements are removed (so that no
 * kernel meets them), and `build` drops whatever no result needs.
 */
export class ProgramBuilder {
  readonly #types: TensorType[] = [];
  readonly #instructions: { instruction: Instruction; first: ValueId }[] = [];
  /** For each value that an instruction defines, that instruction. */
  readonly #definitions = new Map<ValueId, { instruction: Instruction; first: ValueId }>();
  readonly #known = new Map<string, ValueId>();
  readonly #zeros = new Set<ValueId>();
  #parameters = 0;

  /** Adds a parameter; all parameters come before the first instruction. */
  parameter(type: TensorType): ValueId {
    if (this.#instructions.length > 0) throw internalError('a parameter was added after an instruction');
    this.#parameters++;
    return this.#types.push(type) - 1;
  }

  typeOf(id: ValueId): TensorType {
    const type = this.#types[id];
    if (type === undefined) throw internalError(`value %${id} does not exist`);
    return type;
  }

  /** The instruction that defines a value and the number of its first output; undefined for a parameter. */
  definitionOf(id: ValueId): { readonly instruction: Instruction; readonly first: ValueId } | undefined {
    return this.#definitions.get(id);
  }

  /** Whether a value is known to be zero everywhere. */
  isZero(id: ValueId): boolean {
    return this.#zeros.has(id);
  }

  /** Adds a primitive; its operands are checked. */
  add<Op extends PrimitiveOp>(op: Op, inputs: readonly ValueId[], attributes: PrimitiveAttributes[Op]): ValueId {
    const output = inferPrimitive(
      op,
      inputs.map((id) => this.typeOf(id)),
      attributes,
    );
    const instruction = { op, inputs, attributes, outputs: [output] } as unknown as PrimitiveInstruction;
    const rewritten = rewriteEmpty(this, instruction) ?? rewriteZero(this, instruction);
    if (rewritten !== undefined) return rewritten;
    const id = this.#append(instruction);
    if (instruction.op === 'constant' && instruction.attributes.data.every((value) => Object.is(value, 0)))
      this.#zeros.add(id);
    return id;
  }

  /** Adds a composite; returns its outputs. */
  addComposite(instruction: CompositeInstruction): ValueId[] {
    const first = this.#append(instruction);
    return instruction.outputs.map((_, index) => first + index);
  }

  /** Adds a copy of another program's instructions; returns its results. */
  inline(program: Program, inputs: readonly ValueId[]): ValueId[] {
    const values = [...inputs];
    for (const instruction of program.instructions) {
      const operands = instruction.inputs.map((id) => values[id]!);
      if (instruction.op === 'composite') values.push(...this.addComposite({ ...instruction, inputs: operands }));
      else values.push(this.add(instruction.op, operands, instruction.attributes as never));
    }
    return program.results.map((id) => values[id]!);
  }

  /** Zeros of a type. */
  zeros(type: TensorType): ValueId {
    const scalar = this.add('constant', [], { dtype: type.dtype, shape: [], data: allocate(type.dtype, 1) });
    if (type.shape.length === 0) return scalar;
    const id = this.#append({
      op: 'broadcastTo',
      inputs: [scalar],
      attributes: { shape: type.shape },
      outputs: [type],
    });
    this.#zeros.add(id);
    return id;
  }

  build(name: string, results: readonly ValueId[]): Program {
    const needed = new Set<ValueId>(results);
    const kept: { instruction: Instruction; first: ValueId }[] = [];
    for (let index = this.#instructions.length - 1; index >= 0; index--) {
      const entry = this.#instructions[index]!;
      if (!entry.instruction.outputs.some((_, output) => needed.has(entry.first + output))) continue;
      for (const id of entry.instruction.inputs) needed.add(id);
      kept.push(entry);
    }
    const renamed = new Map<ValueId, ValueId>();
    for (let id = 0; id < this.#parameters; id++) renamed.set(id, id);
    let next = this.#parameters;
    const instructions = kept.reverse().map(({ instruction, first }) => {
      const inputs = instruction.inputs.map((id) => renamed.get(id)!);
      instruction.outputs.forEach((_, output) => renamed.set(first + output, next++));
      return { ...instruction, inputs };
    });
    return {
      name,
      parameters: this.#types.slice(0, this.#parameters),
      instructions,
      results: results.map((id) => renamed.get(id)!),
    };
  }

  #append(instruction: Instruction): ValueId {
    const key = instructionKey(instruction);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const first = this.#types.length;
    this.#types.push(...instruction.outputs);
    const entry = { instruction, first };
    this.#instructions.push(entry);
    instruction.outputs.forEach((_, output) => this.#definitions.set(first + output, entry));
    this.#known.set(key, first);
    return first;
  }
}
