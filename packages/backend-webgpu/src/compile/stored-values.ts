import type { Instruction, Program } from '@ddcl/core/backend';
import { ownCost, type ExpressionOp } from '../wgsl/value.ts';

const kernelOps = new Set<Instruction['op']>(['sum', 'max', 'argMax', 'matmul', 'segmentSum', 'composite']);

/** Whether an op has kernels of its own; the others are expressions. */
export function isKernelOp(op: Instruction['op']): boolean {
  return kernelOps.has(op);
}

/** Operations of an element that computing again, once for each further kernel that reads it, may cost before a buffer is better. */
const worthStoring = 8;

/** Which expressions of a program get buffers of their own, that several kernels would compute again at a cost. By value. */
export function storedValues(program: Program): boolean[] {
  const count = program.parameters.length;
  const first: number[] = [];
  let next = count;
  for (const instruction of program.instructions) {
    first.push(next);
    next += instruction.outputs.length;
  }
  const costs = new Array<number>(next).fill(0);
  program.instructions.forEach((instruction, index) => {
    if (isKernelOp(instruction.op)) return;
    const operands = instruction.inputs.reduce((total, id) => total + costs[id]!, 0);
    costs[first[index]!] = Math.min(1e6, operands + ownCost(instruction.op as ExpressionOp));
  });
  const stored = new Array<boolean>(next).fill(false);
  const readers = Array.from({ length: next }, () => new Set<number>());
  const isResult = new Set(program.results);
  for (let index = program.instructions.length - 1; index >= 0; index--) {
    const instruction = program.instructions[index]!;
    const own = first[index]!;
    // A kernel is named by the first value that it makes.
    let kernels: Iterable<number> = [own];
    if (!isKernelOp(instruction.op)) {
      // What is a result is made by a kernel of its own.
      if (isResult.has(own)) readers[own]!.add(own);
      stored[own] = costs[own]! * (readers[own]!.size - 1) > worthStoring;
      if (!stored[own]) kernels = readers[own]!;
    }
    for (const id of instruction.inputs) for (const kernel of kernels) readers[id]!.add(kernel);
  }
  return stored;
}
