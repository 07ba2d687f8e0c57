import { internalError } from '../errors/ddcl-error.ts';
import { isFloat } from './dtype.ts';
import type { CompositeAttributes } from './program.ts';
import { resultTypes } from './program.ts';
import { sameType } from './tensor-type.ts';
import { requireTraced, Tensor, trace } from './trace.ts';

/** How a composite is defined: its meaning, and a closed form of its derivative if there is a good one. */
export interface CompositeDefinition {
  /** With a version, such as `softmax/1`. */
  readonly name: string;
  readonly attributes?: CompositeAttributes;
  /** Computes the outputs from simpler ops. */
  readonly decomposition: (...inputs: Tensor[]) => readonly Tensor[];
  /**
   * The vector-Jacobian product: given inputs, outputs and a cotangent for each float
   * output, a cotangent for each float input, in order.
   */
  readonly gradient?: (
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    cotangents: readonly Tensor[],
  ) => readonly Tensor[];
}

/** Adds a composite to the trace of its inputs; returns its outputs. */
export function composite(definition: CompositeDefinition, inputs: readonly Tensor[]): Tensor[] {
  const first = inputs[0];
  if (first === undefined) throw internalError(`the composite ${definition.name} has no input`);
  const { builder } = first;
  const types = inputs.map((input) => requireTraced(builder, input).type);
  const decomposition = trace(
    types,
    (...tensors) => definition.decomposition(...(tensors as Tensor[])),
    definition.name,
  );
  const outputs = resultTypes(decomposition);

  const { gradient } = definition;
  const floatInputs = types.filter((type) => isFloat(type.dtype));
  const gradientTypes = [...types, ...outputs, ...outputs.filter((type) => isFloat(type.dtype))];
  const gradientProgram =
    gradient &&
    trace(
      gradientTypes,
      (...tensors) => {
        const all = tensors as Tensor[];
        const split = types.length + outputs.length;
        return gradient(all.slice(0, types.length), all.slice(types.length, split), all.slice(split));
      },
      `${definition.name} gradient`,
    );
  if (gradientProgram !== undefined) {
    const got = resultTypes(gradientProgram);
    if (got.length !== floatInputs.length || !got.every((type, index) => sameType(type, floatInputs[index]!))) {
      throw internalError(
        `the gradient of ${definition.name} does not return one cotangent of the right type per float input`,
      );
    }
  }

  const ids = builder.addComposite({
    op: 'composite',
    name: definition.name,
    attributes: definition.attributes ?? {},
    inputs: inputs.map((input) => input.id),
    outputs,
    decomposition,
    gradient: gradientProgram,
  });
  return ids.map((id) => new Tensor(builder, id));
}
