import { DdclError } from '../errors/ddcl-error.ts';
import { ProgramBuilder } from './builder.ts';
import type { Program, ValueId } from './program.ts';
import { formatType, type Shape, type TensorType } from './tensor-type.ts';
import type { DType } from './dtype.ts';

/** A value of a program that is being traced. It holds no numbers. */
export class Tensor {
  readonly builder: ProgramBuilder;
  readonly id: ValueId;

  constructor(builder: ProgramBuilder, id: ValueId) {
    this.builder = builder;
    this.id = id;
  }

  get type(): TensorType {
    return this.builder.typeOf(this.id);
  }

  get shape(): Shape {
    return this.type.shape;
  }

  get dtype(): DType {
    return this.type.dtype;
  }

  toString(): string {
    return `%${this.id}: ${formatType(this.type)}`;
  }
}

/** A tensor for each parameter type. */
export type TensorsOf<Types extends readonly TensorType[]> = { [Index in keyof Types]: Tensor };

/**
 * Makes a program out of an ordinary function, which is called once with a {@link Tensor} for each
 * parameter type and returns the tensors that the program returns.
 *
 *     const norms = trace([f32('n', 384)], (z) => [sum(mul(z, z), [1])], 'norms');
 *
 * @throws DdclError `argument` if a result belongs to another trace.
 */
export function trace<const Types extends readonly TensorType[]>(
  parameters: Types,
  body: (...inputs: TensorsOf<Types>) => readonly Tensor[],
  name = 'program',
): Program {
  const builder = new ProgramBuilder();
  const inputs = parameters.map((type) => new Tensor(builder, builder.parameter(type)));
  const results = body(...(inputs as unknown as TensorsOf<Types>));
  return builder.build(
    name,
    results.map((result) => requireTraced(builder, result).id),
  );
}

/** `tensor`, checked to belong to the trace that `builder` makes. */
export function requireTraced(builder: ProgramBuilder, tensor: Tensor): Tensor {
  if (tensor instanceof Tensor && tensor.builder === builder) return tensor;
  throw new DdclError(
    'argument',
    'A tensor of another trace was used. Tensors live only inside the function given to trace(); pass numbers in as parameters.',
  );
}
