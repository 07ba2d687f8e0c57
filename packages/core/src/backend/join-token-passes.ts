import { ProgramBuilder } from '../program/builder.ts';
import { valueTypes, type CompositeInstruction, type Program, type ValueId } from '../program/program.ts';
import {
  tokenPassAttributes,
  tokenPassMember,
  tokenPassName,
  type TokenOperand,
  type TokenQuantity,
} from './token-pass.ts';

/** A cotangent that is 0 everywhere: no operand, and not equal to any that is one. */
const zero = -1;

/** Composites that become one. */
interface Pass {
  readonly operands: Map<TokenOperand, ValueId>;
  /** Numbers of instructions. */
  readonly members: number[];
}

/**
 * Joins the composites that a pass over tokens computes, so that for instance `forward`, `loss` and the gradient of the loss share logits,
 * softmax and outputs: all with the same operands become one `ddcl.tokenPass/1`, of those outputs that something uses, unless one depends
 * on another (a cotangent that is made of the outputs). The nearest prototypes alone stay what they are.
 */
export function joinTokenPasses(program: Program): Program {
  const graph = new JoinedGraph(program);
  const passes: Pass[] = [];
  program.instructions.forEach((instruction, number) => {
    const member = tokenPassMember(instruction);
    if (member === undefined) return;
    const own = instruction.inputs.map((id, index): [TokenOperand, ValueId] => {
      const operand = member.operands[index]!;
      return [operand, operand.startsWith('on') && graph.isZero(id) ? zero : graph.source(id)];
    });
    const found = passes.find(
      (pass) =>
        own.every(([operand, id]) => (pass.operands.get(operand) ?? id) === id) && !graph.dependsOn(number, pass),
    );
    const pass = found ?? { operands: new Map(), members: [] };
    if (found === undefined) passes.push(pass);
    for (const [operand, id] of own) pass.operands.set(operand, id);
    graph.join(number, pass);
  });
  return passes.length === 0 ? program : rebuild(program, graph);
}

/** Who makes which value, and which instructions are one. */
class JoinedGraph {
  readonly #program: Program;
  readonly #makers: number[] = [];
  readonly #passes = new Map<number, Pass>();
  readonly #first: number[] = [];

  constructor(program: Program) {
    this.#program = program;
    for (const _ of program.parameters) this.#makers.push(-1);
    program.instructions.forEach(({ outputs }, number) => {
      this.#first.push(this.#makers.length);
      for (const _ of outputs) this.#makers.push(number);
    });
  }

  outputsOf(number: number): ValueId[] {
    return this.#program.instructions[number]!.outputs.map((_, output) => this.#first[number]! + output);
  }

  passOf(number: number): Pass | undefined {
    return this.#passes.get(number);
  }

  join(number: number, pass: Pass): void {
    pass.members.push(number);
    this.#passes.set(number, pass);
  }

  /** The value itself behind `detach`, which backends have no use for: forward and a loss whose gradient stops have the same operands. */
  source(id: ValueId): ValueId {
    const maker = this.#program.instructions[this.#makers[id]!];
    return maker?.op === 'detach' ? this.source(maker.inputs[0]!) : id;
  }

  isZero(id: ValueId): boolean {
    const maker = this.#program.instructions[this.#makers[id]!];
    return maker?.op === 'constant' && maker.attributes.data.every((value) => value === 0);
  }

  /** Instructions that must come before this one and all that it is joined with. */
  before(number: number): number[] {
    const joined = this.#passes.get(number)?.members ?? [number];
    return joined
      .flatMap((member) => this.#program.instructions[member]!.inputs)
      .map((id) => this.#makers[id]!)
      .filter((maker) => maker >= 0);
  }

  dependsOn(number: number, pass: Pass): boolean {
    const seen = new Set<number>();
    const open = this.before(number);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.#passes.get(next) === pass) return true;
      if (!seen.has(next)) open.push(...this.before(next));
      seen.add(next);
    }
    return false;
  }
}

/** The program with one instruction for each pass; the others keep their order as far as a pass lets them. */
function rebuild(program: Program, graph: JoinedGraph): Program {
  const builder = new ProgramBuilder();
  const used = new Set([...program.results, ...program.instructions.flatMap(({ inputs }) => inputs)]);
  const types = valueTypes(program);
  const values: ValueId[] = program.parameters.map((type) => builder.parameter(type));
  const done = new Set<number>();

  const addPass = ({ operands, members }: Pass): void => {
    const inputs = [...operands].filter(([, id]) => id !== zero);
    const wanted = new Map<TokenQuantity, ValueId[]>();
    for (const number of members) {
      const { quantities } = tokenPassMember(program.instructions[number]!)!;
      graph.outputsOf(number).forEach((id, output) => {
        if (used.has(id)) wanted.set(quantities[output]!, [...(wanted.get(quantities[output]!) ?? []), id]);
      });
    }
    const first = builder.addComposite({
      op: 'composite',
      name: tokenPassName,
      attributes: tokenPassAttributes(
        inputs.map(([operand]) => operand),
        [...wanted.keys()],
      ),
      inputs: inputs.map(([, id]) => values[id]!),
      outputs: [...wanted.values()].map(([id]) => types[id!]!),
      decomposition: decomposition(program, graph, { operands, members }, wanted),
      gradient: undefined,
    });
    [...wanted.values()].forEach((ids, index) => ids.forEach((id) => (values[id] = first[index]!)));
    for (const number of members) done.add(number);
  };

  const addOne = (number: number): void => {
    done.add(number);
    const instruction = program.instructions[number]!;
    const inputs = instruction.inputs.map((id) => values[id]!);
    const made =
      instruction.op === 'composite'
        ? builder.addComposite({ ...instruction, inputs })
        : [builder.add(instruction.op, inputs, instruction.attributes as never)];
    graph.outputsOf(number).forEach((id, index) => (values[id] = made[index]!));
  };

  for (const start of program.instructions.keys()) {
    const open = [start];
    for (let number = open.at(-1); number !== undefined; number = open.at(-1)) {
      const missing = done.has(number) ? [] : graph.before(number).filter((each) => !done.has(each));
      open.push(...missing);
      if (missing.length > 0) continue;
      open.pop();
      const pass = graph.passOf(number);
      if (done.has(number)) continue;
      if (pass?.operands.has('temperature') !== true) addOne(number);
      else addPass(pass);
    }
  }
  return builder.build(
    program.name,
    program.results.map((id) => values[id]!),
  );
}

/** The members' decompositions together. */
function decomposition(
  program: Program,
  graph: JoinedGraph,
  { operands, members }: Pass,
  wanted: ReadonlyMap<TokenQuantity, readonly ValueId[]>,
): Program {
  const types = valueTypes(program);
  const builder = new ProgramBuilder();
  const inputs = new Map<ValueId, ValueId>();
  for (const id of operands.values()) if (id !== zero) inputs.set(id, builder.parameter(types[id]!));
  const made = new Map<ValueId, ValueId>();
  for (const number of members) {
    const { decomposition: own, inputs: given } = program.instructions[number] as CompositeInstruction;
    const results = builder.inline(
      own,
      given.map((id) => inputs.get(graph.source(id)) ?? builder.zeros(types[id]!)),
    );
    graph.outputsOf(number).forEach((id, output) => made.set(id, results[output]!));
  }
  return builder.build(
    tokenPassName,
    [...wanted.values()].map(([id]) => made.get(id!)!),
  );
}
