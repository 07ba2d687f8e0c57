import type { ArithmeticOp, PrimitiveAttributes, UnaryOp } from '@ddcl/core/backend';
import type { OnnxName } from '../../onnx/graph.ts';
import { cast, type EmitCall, type Emitter } from '../emitter.ts';

const unaryNames: Readonly<Record<UnaryOp, string>> = {
  neg: 'Neg',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  tanh: 'Tanh',
  erf: 'Erf',
};

const arithmeticNames: Readonly<Record<ArithmeticOp, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  maximum: 'Max',
  minimum: 'Min',
};

type Emit = (emitter: Emitter, call: EmitCall<unknown>) => OnnxName;

export function unary(op: UnaryOp): Emit {
  return ({ graph }, { inputs }) => graph.node(unaryNames[op], inputs);
}

export function arithmetic(op: ArithmeticOp): Emit {
  return ({ graph }, { inputs }) => graph.node(arithmeticNames[op], inputs);
}

export function comparison(op: 'Less' | 'Equal'): Emit {
  return (emitter, { inputs }) => emitter.fromCondition(emitter.graph.node(op, inputs));
}

export const select: Emit = (emitter, { inputs: [condition, a, b] }) =>
  emitter.graph.node('Where', [emitter.condition(condition!), a!, b!]);

export function castTo(
  emitter: Emitter,
  { attributes, inputs, inputTypes }: EmitCall<PrimitiveAttributes['cast']>,
): OnnxName {
  const { dtype } = attributes;
  if (inputTypes[0]!.dtype === dtype) return inputs[0]!;
  return cast(emitter.graph, inputs[0]!, dtype);
}
