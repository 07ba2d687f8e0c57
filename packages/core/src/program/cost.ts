import { expandComposites } from './expand.ts';
import { valueTypes, type Instruction, type Program } from './program.ts';
import { byteLength, elementCount, requireConcrete, type ConcreteType } from './tensor-type.ts';

/** What running a program costs, counted from its text alone. */
export interface ProgramCost {
  /** Floating-point operations: 2 per multiply-add of a matmul, 1 per element of every other arithmetic, transcendental ones too. */
  readonly flops: number;
  /** The part of `flops` that lies in matrix products. */
  readonly matmulFlops: number;
  /** Bytes read and written if every instruction ran alone. A fused backend moves less. */
  readonly bytes: number;
  /** Bytes of parameters and results: what any backend has to move at least. */
  readonly boundaryBytes: number;
}

function flopsOf(instruction: Instruction, inputs: readonly ConcreteType[], output: ConcreteType): number {
  switch (instruction.op) {
    case 'matmul': {
      const a = inputs[0]!.shape;
      const inner = a[a.length - (instruction.attributes.transposeA ? 2 : 1)]!;
      return 2 * inner * elementCount(output.shape);
    }
    case 'sum':
    case 'max':
    case 'argMax':
    case 'segmentSum':
      return elementCount(inputs[0]!.shape);
    case 'reshape':
    case 'transpose':
    case 'broadcastTo':
    case 'slice':
    case 'concat':
    case 'gather':
    case 'constant':
    case 'iota':
    case 'cast':
    case 'detach':
      return 0;
    default:
      return elementCount(output.shape);
  }
}

/**
 * Counts a program; composites count as their decompositions.
 * @throws DdclError `shape` if a size is still a symbol
 */
export function programCost(program: Program): ProgramCost {
  const expanded = expandComposites(program);
  const types = valueTypes(expanded).map((type) => requireConcrete(type, `A value of ${program.name}`));
  let [flops, matmulFlops, bytes] = [0, 0, 0];
  let next = expanded.parameters.length;
  for (const instruction of expanded.instructions) {
    const inputs = instruction.inputs.map((id) => types[id]!);
    const output = types[next++]!;
    const own = flopsOf(instruction, inputs, output);
    flops += own;
    if (instruction.op === 'matmul') matmulFlops += own;
    for (const type of [...inputs, output]) bytes += byteLength(type);
  }
  const boundary = [...expanded.parameters.map((_, id) => id), ...expanded.results];
  const boundaryBytes = boundary.reduce((total, id) => total + byteLength(types[id]!), 0);
  return { flops, matmulFlops, bytes, boundaryBytes };
}
