import type { ConcreteType } from '@ddcl/core/backend';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { isOne, literal, type Size } from '../wgsl/size.ts';
import type { Expression, ExpressionOp, Scalar, Value } from '../wgsl/value.ts';
import { makeExpression } from './expressions.ts';

type Attributes = Expression['attributes'];

function expression(
  plan: PlanBuilder,
  op: ExpressionOp,
  inputs: readonly Value[],
  shape: readonly Size[],
  attributes: Attributes = {},
  scalar: Scalar = inputs[0]!.scalar,
): Value {
  return makeExpression(plan, { op, attributes }, inputs, scalar, shape);
}

/** An axis of a broadcast result: the one that is not 1. */
function broadcast(shapes: readonly (readonly Size[])[]): Size[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.flatMap((shape) => shape[axis - rank + shape.length] ?? []);
    return sizes.find((size) => !isOne(size)) ?? literal(1);
  });
}

type Op = 'neg' | 'exp' | 'log' | 'add' | 'sub' | 'mul' | 'div' | 'maximum';

/** Arithmetic on values of a plan, for kernels whose operands are formulas. */
export class Arithmetic {
  readonly #plan: PlanBuilder;

  constructor(plan: PlanBuilder) {
    this.#plan = plan;
  }

  of(op: Op, ...inputs: readonly Value[]): Value {
    return expression(this.#plan, op, inputs, broadcast(inputs.map(({ shape }) => shape)));
  }

  add(a: Value, b: Value): Value {
    return this.of('add', a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.of('mul', a, b);
  }

  sub(a: Value, b: Value): Value {
    return this.of('sub', a, b);
  }

  square(x: Value): Value {
    return this.mul(x, x);
  }

  number(value: number): Value {
    const attributes: Attributes = { dtype: 'float32', shape: [], data: Float32Array.of(value) };
    return expression(this.#plan, 'constant', [], [], attributes, 'f32');
  }

  reshape(x: Value, shape: readonly Size[]): Value {
    // A reshape is told by the shape of its value alone.
    return expression(this.#plan, 'reshape', [x], shape, { shape: [] satisfies ConcreteType['shape'] });
  }

  /** Column `index` of a matrix, [rows, 1]. */
  column(x: Value, index: number): Value {
    return this.columnsOf(x, index, literal(1));
  }

  /** Some columns of a matrix, from one of them on. */
  columnsOf(x: Value, first: number, count: Size): Value {
    return expression(this.#plan, 'slice', [x], [x.shape[0]!, count], { starts: [0, first], sizes: [] });
  }

  /** Columns [rows, 1] side by side. */
  columns(parts: readonly Value[]): Value {
    return expression(this.#plan, 'concat', parts, [parts[0]!.shape[0]!, literal(parts.length)], { axis: 1 });
  }

  /** 0, 1, 2, ... along an axis, int32. */
  iota(shape: readonly Size[], axis: number): Value {
    return expression(this.#plan, 'iota', [], shape, { dtype: 'int32', shape: [], axis }, 'i32');
  }

  /** 1 where they are equal, else 0. */
  equal(a: Value, b: Value): Value {
    return expression(this.#plan, 'equal', [a, b], broadcast([a.shape, b.shape]), {}, 'i32');
  }

  select(condition: Value, a: Value, b: Value): Value {
    return expression(
      this.#plan,
      'select',
      [condition, a, b],
      broadcast([condition, a, b].map((x) => x.shape)),
      {},
      'f32',
    );
  }

  /** Whole numbers that are kept as f32, as int32. */
  toInt32(x: Value): Value {
    return expression(this.#plan, 'cast', [x], x.shape, { dtype: 'int32' }, 'i32');
  }

  toFloat32(x: Value): Value {
    return expression(this.#plan, 'cast', [x], x.shape, { dtype: 'float32' }, 'f32');
  }

  /** The sum over the first axis of a buffer, in order: `shape` is that of the rest. */
  parts(x: Value, shape: readonly Size[]): Value {
    return expression(this.#plan, 'parts', [x], shape);
  }
}
