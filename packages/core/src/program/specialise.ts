import { DdclError } from '../errors/ddcl-error.ts';
import { ProgramBuilder } from './builder.ts';
import type { Instruction, Program } from './program.ts';
import { formatType, tensorType, type ConcreteType, type Dimension, type TensorType } from './tensor-type.ts';

/** A size for each symbol. */
export type Bindings = Readonly<Record<string, number>>;

function bindSize(size: Dimension, bindings: Bindings): Dimension {
  return typeof size === 'string' && Object.hasOwn(bindings, size) ? bindings[size]! : size;
}

function bindType(type: TensorType, bindings: Bindings): TensorType {
  return tensorType(
    type.dtype,
    type.shape.map((size) => bindSize(size, bindings)),
  );
}

/** Attributes that hold sizes: `shape`, `sizes` and `segments`. */
function bindAttributes(attributes: Instruction['attributes'], bindings: Bindings): Instruction['attributes'] {
  const bound = { ...attributes } as Record<string, unknown>;
  for (const name of ['shape', 'sizes']) {
    const sizes = bound[name];
    if (Array.isArray(sizes)) bound[name] = sizes.map((size: Dimension) => bindSize(size, bindings));
  }
  if (typeof bound['segments'] === 'string') bound['segments'] = bindSize(bound['segments'], bindings);
  return bound as Instruction['attributes'];
}

/**
 * The program with symbols replaced by sizes; shapes are inferred and checked again.
 * Symbols without a binding stay.
 */
export function specialise(program: Program, bindings: Bindings): Program {
  const builder = new ProgramBuilder();
  const values = program.parameters.map((type) => builder.parameter(bindType(type, bindings)));
  for (const instruction of program.instructions) {
    const inputs = instruction.inputs.map((id) => values[id]!);
    const attributes = bindAttributes(instruction.attributes, bindings);
    if (instruction.op === 'composite') {
      values.push(
        ...builder.addComposite({
          ...instruction,
          inputs,
          attributes: attributes as typeof instruction.attributes,
          outputs: instruction.outputs.map((type) => bindType(type, bindings)),
          decomposition: specialise(instruction.decomposition, bindings),
          gradient: instruction.gradient && specialise(instruction.gradient, bindings),
        }),
      );
    } else {
      values.push(builder.add(instruction.op, inputs, attributes as never));
    }
  }
  return builder.build(
    program.name,
    program.results.map((id) => values[id]!),
  );
}

/**
 * The sizes that a program's symbols take for given inputs.
 * @throws DdclError `argument`, `dtype` or `shape` if the inputs do not fit the parameters or bind a symbol twice
 */
export function bindInputs(program: Program, inputs: readonly ConcreteType[]): Bindings {
  if (inputs.length !== program.parameters.length) {
    throw new DdclError(
      'argument',
      `${program.name} takes ${program.parameters.length} inputs, but got ${inputs.length}.`,
    );
  }
  // Without a prototype, so that a symbol may be called 'constructor'.
  const bindings = Object.create(null) as Record<string, number>;
  program.parameters.forEach((parameter, index) => {
    const input = inputs[index]!;
    const complain = (code: 'dtype' | 'shape', detail: string): never => {
      throw new DdclError(
        code,
        `${program.name} takes ${formatType(parameter)} as input ${index}, but got ${formatType(input)}${detail}.`,
        { op: program.name, shapes: [parameter.shape, input.shape] },
      );
    };
    if (input.dtype !== parameter.dtype) complain('dtype', '; there is no promotion');
    if (input.shape.length !== parameter.shape.length) complain('shape', '');
    parameter.shape.forEach((size, axis) => {
      const actual = input.shape[axis]!;
      if (typeof size === 'number') {
        if (size !== actual) complain('shape', '');
      } else if ((bindings[size] ??= actual) !== actual) {
        complain('shape', ` although ${size} is ${bindings[size]} already`);
      }
    });
  });
  return bindings;
}
