import { elementCount, isFloat, type FloatDType, type PrimitiveInstruction } from '@ddcl/core/backend';
import { broadcastSources } from '../oracle/broadcast-sources.ts';
import { exactly, type Enclosure } from './exact.ts';
import { smallestNormal, unitRoundoff, type Tolerance, type ToleranceTable } from './tolerances.ts';

type Output = Pick<Enclosure, 'type' | 'data'>;

/** What one rounding may add to a result of a float op. */
function roundingOf(
  tolerance: Tolerance | undefined,
  dtype: FloatDType,
  result: number,
  operand: number,
  isExact = false,
): number {
  if (tolerance === undefined) return 0;
  const fits =
    dtype === 'float32' &&
    Math.fround(result) === result &&
    (result === 0 || Math.abs(result) >= smallestNormal.float32);
  if (isExact && tolerance.exactWhereItFits === true && fits) return 0;
  const ulp = 2 * unitRoundoff[dtype];
  const ulps = tolerance.ulps[dtype] + (tolerance.ulpsPerOperand ?? 0) * Math.abs(operand);
  const magnitude = Math.abs(result);
  const absolute = magnitude < 1 ? (tolerance.absoluteUlps ?? 0) * ulp : 0;
  // An exact zero stays exact; anything else may be flushed to zero when it is tiny.
  return ulps * ulp * magnitude + absolute + (result === 0 && operand === 0 ? 0 : smallestNormal[dtype]);
}

/** How far f may move when its operands move by their bounds (first factor is the operands, then the result). */
type Movement = (x: readonly number[], e: readonly number[], y: number) => number;

const movements: Partial<Record<PrimitiveInstruction['op'], Movement>> = {
  neg: (_x, [e]) => e!,
  detach: (_x, [e]) => e!,
  broadcastTo: (_x, [e]) => e!,
  exp: (_x, [e], y) => (e === 0 ? 0 : y * Math.expm1(e!)),
  log: ([x], [e]) => (e === 0 ? 0 : -Math.log1p(-Math.min(1, e! / x!))),
  sqrt: ([x], [e], y) => (e === 0 ? 0 : y - Math.sqrt(Math.max(0, x! - e!))),
  tanh: (_x, [e]) => e!,
  erf: (_x, [e]) => (2 / Math.sqrt(Math.PI)) * e!,
  add: (_x, [a, b]) => a! + b!,
  sub: (_x, [a, b]) => a! + b!,
  mul: ([a, b], [ea, eb]) => Math.abs(a!) * eb! + Math.abs(b!) * ea! + ea! * eb!,
  div: ([, b], [ea, eb], y) => {
    if (ea === 0 && eb === 0) return 0;
    const smallest = Math.abs(b!) - eb!;
    return smallest > 0 ? (ea! + Math.abs(y) * eb!) / smallest : Infinity;
  },
  maximum: (_x, [a, b]) => Math.max(a!, b!),
  minimum: (_x, [a, b]) => Math.max(a!, b!),
  // A comparison of numbers closer than their errors may go either way.
  less: ([a, b], [ea, eb]) => (ea! + eb! > 0 && Math.abs(a! - b!) <= ea! + eb! ? 1 : 0),
  equal: ([a, b], [ea, eb]) => (ea! + eb! > 0 && Math.abs(a! - b!) <= ea! + eb! ? 1 : 0),
  select: ([c, a, b], [ec, ea, eb]) => (ec! > 0 ? Math.abs(a! - b!) + Math.max(ea!, eb!) : c === 0 ? eb! : ea!),
};

function elementwise(
  instruction: PrimitiveInstruction,
  inputs: readonly Enclosure[],
  output: Output,
  table: ToleranceTable,
): Float64Array {
  const movement = movements[instruction.op]!;
  const tolerance = table[instruction.op];
  const { dtype, shape } = output.type;
  const sources = inputs.map(({ type }) => broadcastSources(type.shape, shape));
  // Operands without errors move nothing: only what the op itself rounds is left.
  if (inputs.every(({ bound }) => bound.every(isZero))) {
    if (!isFloat(dtype) || tolerance === undefined) return new Float64Array(output.data.length);
    return output.data.map((result, index) =>
      roundingOf(tolerance, dtype, result, inputs[0]!.data[sources[0]![index]!]!, true),
    );
  }
  const x = inputs.map(() => 0);
  const e = inputs.map(() => 0);
  return output.data.map((result, index) => {
    for (let operand = 0; operand < inputs.length; operand++) {
      const source = sources[operand]![index]!;
      x[operand] = inputs[operand]!.data[source]!;
      e[operand] = inputs[operand]!.bound[source]!;
    }
    return movement(x, e, result) + (isFloat(dtype) ? roundingOf(tolerance, dtype, result, x[0]!, e.every(isZero)) : 0);
  });
}

function castBounds([x]: readonly Enclosure[], { type: { dtype }, data }: Output, table: ToleranceTable): Float64Array {
  return x!.bound.map((e, index) => {
    const value = x!.data[index]!;
    if (dtype === 'int32') return Math.trunc(value - e) === Math.trunc(value + e) ? 0 : 1 + Math.ceil(e);
    const narrower = dtype === 'float32' && Math.fround(value) !== value;
    return e + (narrower ? roundingOf(table.cast, dtype, data[index]!, value) : 0);
  });
}

const isZero = (x: number): boolean => x === 0;
const absolute = (x: Enclosure): Enclosure => ({ ...x, data: x.data.map(Math.abs) });
const errors = (x: Enclosure): Enclosure => ({ ...x, data: x.bound });
const widest = (x: Enclosure): Enclosure => ({
  ...x,
  data: x.data.map((value, index) => Math.abs(value) + x.bound[index]!),
});

/** Sums: errors of the terms add up, and each addition may round. `terms` counts them for one element of the result. */
function summed(
  instruction: PrimitiveInstruction,
  inputs: readonly Enclosure[],
  { type: { dtype }, data }: Output,
  table: ToleranceTable,
  terms: (index: number) => number,
): Float64Array {
  if (!isFloat(dtype)) return new Float64Array(data.length);
  const unit = unitRoundoff[dtype] * table[instruction.op as 'sum']!.perTerm!;
  const [x, ...rest] = inputs as [Enclosure, ...Enclosure[]];
  const isMatmul = instruction.op === 'matmul';
  const y = rest[0]!;
  const magnitudes = exactly(instruction, isMatmul ? [widest(x), widest(y)] : [widest(x), ...rest]);
  const nothing = new Float64Array(data.length);
  const carry = (isExact: boolean, operands: () => Enclosure[]): Float64Array =>
    isExact ? nothing : exactly(instruction, operands());
  const carried = isMatmul
    ? addUp(
        carry(x.bound.every(isZero), () => [errors(x), widest(y)]),
        carry(y.bound.every(isZero), () => [absolute(x), errors(y)]),
      )
    : carry(x.bound.every(isZero), () => [errors(x), ...rest]);
  const isWhole = inputs.every((each) => each.bound.every(isZero) && each.data.every(Number.isInteger));
  return carried.map((error, index) => {
    const count = terms(index);
    // A sum of zeros, or of one term, is exact; so is one of whole numbers whose partial sums all are numbers of the dtype, in any order.
    const isExact = magnitudes[index] === 0 || count < 2 || (isWhole && magnitudes[index]! * unitRoundoff[dtype] <= 1);
    return error + (isExact ? 0 : unit * count * magnitudes[index]! + smallestNormal[dtype]);
  });
}

function addUp(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value + b[index]!);
}

function argMaxBounds([x]: readonly Enclosure[], axis: number, { type, data }: Output): Float64Array {
  const [outer, size, inner] = [
    elementCount(x!.type.shape.slice(0, axis)),
    x!.type.shape[axis]!,
    elementCount(x!.type.shape.slice(axis + 1)),
  ];
  const bounds = new Float64Array(elementCount(type.shape));
  for (let block = 0; block < outer; block++) {
    for (let column = 0; column < inner; column++) {
      const at = (place: number): number => (block * size + place) * inner + column;
      const best = at(data[block * inner + column]!);
      for (let place = 0; place < size; place++) {
        const other = at(place);
        const slack = x!.bound[best]! + x!.bound[other]!;
        if (other !== best && slack > 0 && x!.data[other]! + slack >= x!.data[best]!)
          bounds[block * inner + column] = Infinity;
      }
    }
  }
  return bounds;
}

function countRows(ids: Enclosure, { type }: Output): (index: number) => number {
  const rows = new Map<number, number>();
  for (const id of ids.data) rows.set(id, (rows.get(id) ?? 0) + 1);
  const width = elementCount(type.shape.slice(1));
  return (index) => rows.get(Math.floor(index / width)) ?? 0;
}

/** How far each element of a result may lie from the exact one, given how far its operands may. */
export function roundingRules(
  instruction: PrimitiveInstruction,
  inputs: readonly Enclosure[],
  output: Output,
  table: ToleranceTable,
): Float64Array {
  const { op } = instruction;
  switch (op) {
    case 'sum': {
      const terms = elementCount(instruction.attributes.axes.map((axis) => inputs[0]!.type.shape[axis]!));
      return summed(instruction, inputs, output, table, () => terms);
    }
    case 'matmul': {
      const { shape } = inputs[0]!.type;
      const inner = shape.at(instruction.attributes.transposeA ? -2 : -1)!;
      return summed(instruction, inputs, output, table, () => inner + 1);
    }
    case 'segmentSum':
      return summed(instruction, inputs, output, table, countRows(inputs[1]!, output));
    case 'max':
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'concat':
      // These move or choose elements: so do their errors. The maximum of numbers moves by the largest error at most.
      return exactly(instruction, inputs.map(errors));
    case 'gather':
      return exactly(instruction, [errors(inputs[0]!), inputs[1]!]);
    case 'argMax':
      return argMaxBounds(inputs, instruction.attributes.axis, output);
    case 'cast':
      return castBounds(inputs, output, table);
    case 'constant':
    case 'iota':
      return new Float64Array(output.data.length);
    default:
      return elementwise(instruction, inputs, output, table);
  }
}
