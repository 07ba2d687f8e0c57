import { elementCount, isFloat, type FloatDType, type PrimitiveInstruction } from '@ddcl/core/backend';
import { broadcastSources } from '../oracle/broadcast-sources.ts';
import { exactly, type Enclosure } from './exact.ts';
import { smallestNormal, unitRoundoff, type Tolerance, type ToleranceTable } from './tolerances.ts';

type Output = Pick<Enclosure, 'type' | 'data'>;

/** What one rounding may add to a result of a float op, given its first operand, and whether no operand has an error. */
type Rounding = (result: number, operand: number, isExact: boolean) => number;

/** The rounding of an op. The table is read once, not for each element: most of the time of the suite is spent here. */
function roundingOf(tolerance: Tolerance | undefined, dtype: FloatDType): Rounding {
  if (tolerance === undefined) return () => 0;
  const exactWhereItFits = tolerance.exactWhereItFits === true && dtype === 'float32';
  const [smallest, ulp] = [smallestNormal[dtype], 2 * unitRoundoff[dtype]];
  const [own, perOperand] = [tolerance.ulps[dtype] * ulp, (tolerance.ulpsPerOperand ?? 0) * ulp];
  const nearZero = (tolerance.absoluteUlps ?? 0) * ulp;
  return (result, operand, isExact) => {
    const magnitude = Math.abs(result);
    if (isExact && exactWhereItFits && Math.fround(result) === result && (result === 0 || magnitude >= smallest))
      return 0;
    const absolute = magnitude < 1 ? nearZero : 0;
    // An exact zero stays exact; anything else may be flushed to zero when it is tiny.
    const flushed = result === 0 && operand === 0 ? 0 : smallest;
    return (own + perOperand * Math.abs(operand)) * magnitude + absolute + flushed;
  };
}

/** How far f may move when its operands a, b and c move by their bounds; y is the result. */
type Movement = (a: number, ea: number, b: number, eb: number, c: number, ec: number, y: number) => number;

const first: Movement = (_a, ea) => ea;
const both: Movement = (_a, ea, _b, eb) => ea + eb;
const larger: Movement = (_a, ea, _b, eb) => Math.max(ea, eb);
/** A comparison of numbers closer than their errors may go either way. */
const compared: Movement = (a, ea, b, eb) => (ea + eb > 0 && Math.abs(a - b) <= ea + eb ? 1 : 0);

const movements: Partial<Record<PrimitiveInstruction['op'], Movement>> = {
  neg: first,
  detach: first,
  broadcastTo: first,
  tanh: first,
  exp: (_a, ea, _b, _eb, _c, _ec, y) => (ea === 0 ? 0 : y * Math.expm1(ea)),
  log: (a, ea) => (ea === 0 ? 0 : -Math.log1p(-Math.min(1, ea / a))),
  sqrt: (a, ea, _b, _eb, _c, _ec, y) => (ea === 0 ? 0 : y - Math.sqrt(Math.max(0, a - ea))),
  erf: (_a, ea) => (2 / Math.sqrt(Math.PI)) * ea,
  add: both,
  sub: both,
  mul: (a, ea, b, eb) => Math.abs(a) * eb + Math.abs(b) * ea + ea * eb,
  div: (_a, ea, b, eb, _c, _ec, y) => {
    if (ea === 0 && eb === 0) return 0;
    const smallest = Math.abs(b) - eb;
    return smallest > 0 ? (ea + Math.abs(y) * eb) / smallest : Infinity;
  },
  maximum: larger,
  minimum: larger,
  less: compared,
  equal: compared,
  // The first is the condition: where it may go either way, so may the result.
  select: (condition, ec, a, ea, b, eb) => (ec > 0 ? Math.abs(a - b) + Math.max(ea, eb) : condition === 0 ? eb : ea),
};

/** Whether nothing is wrong with these numbers. */
function isExact({ bound }: Enclosure): boolean {
  for (let index = 0; index < bound.length; index++) if (bound[index] !== 0) return false;
  return true;
}

const zero = new Float64Array(1);

function elementwise(
  instruction: PrimitiveInstruction,
  inputs: readonly Enclosure[],
  output: Output,
  table: ToleranceTable,
): Float64Array {
  const movement = movements[instruction.op]!;
  const { dtype, shape } = output.type;
  const rounding = isFloat(dtype) ? roundingOf(table[instruction.op], dtype) : undefined;
  const [result, bounds] = [output.data, new Float64Array(output.data.length)];
  const sources = inputs.map(({ type }) => broadcastSources(type.shape, shape));
  const [{ data: a, bound: ea }] = inputs as [Enclosure];
  const fromA = sources[0]!;
  // Operands without errors move nothing: only what the op itself rounds is left.
  if (inputs.every(isExact)) {
    if (rounding === undefined || table[instruction.op] === undefined) return bounds;
    for (let index = 0; index < bounds.length; index++)
      bounds[index] = rounding(result[index]!, a[fromA[index]!]!, true);
    return bounds;
  }
  // Of operands that there are not, zeros are read.
  const absent = { data: zero, bound: zero };
  const [{ data: b, bound: eb }, { data: c, bound: ec }] = [inputs[1] ?? absent, inputs[2] ?? absent];
  const [fromB, fromC] = [sources[1], sources[2]];
  for (let index = 0; index < bounds.length; index++) {
    const [atA, atB, atC] = [
      fromA[index]!,
      fromB === undefined ? 0 : fromB[index]!,
      fromC === undefined ? 0 : fromC[index]!,
    ];
    const moved = movement(a[atA]!, ea[atA]!, b[atB]!, eb[atB]!, c[atC]!, ec[atC]!, result[index]!);
    const isSure = ea[atA] === 0 && eb[atB] === 0 && ec[atC] === 0;
    bounds[index] = rounding === undefined ? moved : moved + rounding(result[index]!, a[atA]!, isSure);
  }
  return bounds;
}

function castBounds([x]: readonly Enclosure[], { type: { dtype }, data }: Output, table: ToleranceTable): Float64Array {
  const rounding = dtype === 'float32' ? roundingOf(table.cast, dtype) : undefined;
  return x!.bound.map((e, index) => {
    const value = x!.data[index]!;
    if (dtype === 'int32') return Math.trunc(value - e) === Math.trunc(value + e) ? 0 : 1 + Math.ceil(e);
    return e + (rounding !== undefined && Math.fround(value) !== value ? rounding(data[index]!, value, false) : 0);
  });
}

const absolute = (x: Enclosure): Enclosure => ({ ...x, data: x.data.map(Math.abs) });
const errors = (x: Enclosure): Enclosure => ({ ...x, data: x.bound });
const widest = (x: Enclosure): Enclosure => {
  const data = new Float64Array(x.data.length);
  for (let index = 0; index < data.length; index++) data[index] = Math.abs(x.data[index]!) + x.bound[index]!;
  return { ...x, data };
};

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
  const carry = (isSure: boolean, operands: () => Enclosure[]): Float64Array =>
    isSure ? nothing : exactly(instruction, operands());
  const carried = isMatmul
    ? addUp(
        carry(isExact(x), () => [errors(x), widest(y)]),
        carry(isExact(y), () => [absolute(x), errors(y)]),
      )
    : carry(isExact(x), () => [errors(x), ...rest]);
  const isWhole = inputs.every((each) => isExact(each) && each.data.every(Number.isInteger));
  return carried.map((error, index) => {
    const count = terms(index);
    // A sum of zeros, or of one term, is exact; so is one of whole numbers whose partial sums all are numbers of the dtype, in any order.
    const isSure = magnitudes[index] === 0 || count < 2 || (isWhole && magnitudes[index]! * unitRoundoff[dtype] <= 1);
    return error + (isSure ? 0 : unit * count * magnitudes[index]! + smallestNormal[dtype]);
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
