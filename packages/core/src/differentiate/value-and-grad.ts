import { DdclError } from '../errors/ddcl-error.ts';
import { resultTypes, type Program } from '../program/program.ts';
import { formatType } from '../program/tensor-type.ts';
import { Tensor, trace } from '../program/trace.ts';
import { grad } from './vjp.ts';

export interface ValueAndGradOptions {
  /** Which result to differentiate; it must be a scalar. Default 0. */
  readonly of?: number;
  /** The parameters to differentiate with respect to. Default `[0]`. */
  readonly wrt?: readonly number[];
}

/**
 * A program that returns the results of `program` and then the gradient of one of them.
 *
 * @throws DdclError `argument` if there is no such result or parameter, `shape` if the result is no scalar
 */
export function valueAndGrad(program: Program, { of = 0, wrt = [0] }: ValueAndGradOptions = {}): Program {
  const results = resultTypes(program);
  const result = results[of];
  if (result === undefined) {
    throw new DdclError(
      'argument',
      `${program.name} has ${results.length} results; there is no result ${of} to differentiate.`,
    );
  }
  if (result.shape.length !== 0) {
    throw new DdclError(
      'shape',
      `Result ${of} of ${program.name} is ${formatType(result)}; only a scalar has a gradient. Sum it first.`,
      {
        shapes: [result.shape],
      },
    );
  }
  for (const index of wrt) {
    if (program.parameters[index] !== undefined) continue;
    throw new DdclError(
      'argument',
      `${program.name} has ${program.parameters.length} parameters; there is no parameter ${index}.`,
    );
  }
  return trace(
    program.parameters,
    (...tensors) => {
      const inputs = tensors as Tensor[];
      const { builder } = inputs[0]!;
      const values = builder
        .inline(
          program,
          inputs.map((input) => input.id),
        )
        .map((id) => new Tensor(builder, id));
      return [
        ...values,
        ...grad(
          values[of]!,
          wrt.map((index) => inputs[index]!),
        ),
      ];
    },
    `${program.name} with gradient`,
  );
}
