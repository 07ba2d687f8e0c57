import { trace, type Dimension, type Tensor } from '@ddcl/core';
import type { ConcreteType, DType, PrimitiveOp, Program, TensorType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase, type ConformanceGroup } from '../run/case.ts';
import type { Value } from '../oracle/tensor.ts';
import { checkProgram } from '../run/check.ts';
import { randomValue, seedOf, testSizes, typeMaker, value, type TypeOf } from './data.ts';

/** A way to call an op, at many sizes n. */
export interface Variant {
  /** What is special about it; the shapes of the operands are in the id anyway. */
  readonly name?: string | ((n: number) => string);
  readonly group?: ConformanceGroup;
  /** Default all that programs compute in. */
  readonly dtypes?: readonly DType[];
  /** Default {@link testSizes}. */
  readonly sizes?: readonly number[];
  /** The program cannot be traced with a symbol for n. */
  readonly fixed?: boolean;
  /** Operand types; `f` makes types of the tested dtype. */
  readonly operands: (n: Dimension, f: TypeOf) => readonly TensorType[];
  readonly body: (operands: readonly Tensor[], n: Dimension) => Tensor | readonly Tensor[];
  /** Elements of operands that are not random numbers, by position. */
  readonly given?: (n: number, dtype: DType) => Readonly<Record<number, ArrayLike<number>>>;
  /** Bounds of the random elements; default -2 to 2, for int32 -9 to 9. */
  readonly range?: readonly [number, number];
}

/** Variants of some primitives: none may be left out. */
export type VariantsOf<Op extends PrimitiveOp> = Readonly<Record<Op, readonly Variant[]>>;

/**
 * Sizes at which the program is compiled for that size alone; at the others one symbolic program serves. What a compiler
 * does about a known size (a 1 that is simplified away, tiles that come out even) has nothing to do with the
 * dtype: one dtype shows it.
 */
const concreteSizes: Readonly<Record<DType, readonly number[]>> = {
  float32: [1, 64],
  float64: [],
  int32: [],
  float16: [],
};

const formatShape = ({ shape }: ConcreteType): string => `<${shape.join(',')}>`;

/** The cases of one variant of an op, for all its dtypes and sizes. */
export function variantCases(op: string, variant: Variant, defaultGroup: ConformanceGroup): ConformanceCase[] {
  const { dtypes = ['float32', 'float64', 'int32'], sizes = testSizes, group = defaultGroup } = variant;
  return dtypes.flatMap((dtype) => {
    const f = typeMaker(dtype);
    const isConcrete = (n: number): boolean => concreteSizes[dtype].includes(n);
    const programs = new Map<Dimension, Program>();
    const programFor = (n: number): Program => {
      const size = variant.fixed === true || isConcrete(n) ? n : 'n';
      const known = programs.get(size);
      if (known !== undefined) return known;
      const program = trace(
        variant.operands(size, f),
        (...operands) => [variant.body(operands as Tensor[], size)].flat() as Tensor[],
        op,
      );
      programs.set(size, program);
      return program;
    };
    // Concrete sizes last, so that cases of one program follow each other.
    const order = [...sizes].sort((a, b) => Number(isConcrete(a)) - Number(isConcrete(b)));
    return order.map((n) => {
      const types = variant.operands(n, f) as readonly ConcreteType[];
      const label = typeof variant.name === 'function' ? variant.name(n) : variant.name;
      const name = [types.map(formatShape).join(' x '), label].filter(Boolean).join(' ');
      return conformanceCase(
        group,
        name,
        (context) => checkProgram(context, programFor(n), variantInputs(variant, `${op}/${name}`, n, dtype, types)),
        { op, dtype },
      );
    });
  });
}

function variantInputs(
  variant: Variant,
  seed: string,
  n: number,
  dtype: DType,
  types: readonly ConcreteType[],
): Value[] {
  const given = variant.given?.(n, dtype) ?? {};
  return types.map((type, index) => {
    const elements = given[index];
    if (elements !== undefined) return value(type, elements);
    const [low, high] = variant.range ?? (type.dtype === 'int32' ? [-9, 9] : [-2, 2]);
    return randomValue(type, seedOf(`${seed}/${index}`), low, high);
  });
}
