import { formatType, resultTypes, type ConcreteType, type Program } from '@ddcl/core/backend';
import { bindProgram } from '../compare/bind-program.ts';
import type { Value } from '../oracle/tensor.ts';

/** `softmax/1(f32[65,3]) -> f32[65,3]`, for messages; a program without symbols says itself what its inputs are. */
export function describeCall(program: Program, inputs?: readonly Pick<Value, 'type'>[]): string {
  const types = inputs?.map(({ type }) => type) ?? (program.parameters as ConcreteType[]);
  const results = resultTypes(bindProgram(program, types)) as ConcreteType[];
  return `${program.name}(${types.map(formatType).join(', ')}) -> (${results.map(formatType).join(', ')})`;
}
