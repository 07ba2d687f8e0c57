/** Bytes of WebAssembly: an expression leaves one value, a statement none (https://webassembly.github.io/spec/core/binary). */
export type Code = readonly number[];

/** LEB128 of an integer >= 0. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** LEB128 with a sign. */
function signed(value: number): number[] {
  return value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)];
}

type Binary = (a: Code, b: Code) => Code;

const binary =
  (...op: readonly number[]): Binary =>
  (a, b) => [...a, ...b, ...op];

/** A number among parameters and local variables. */
export type Local = number;

export const get = (local: Local): Code => [0x20, ...unsigned(local)];
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...unsigned(local)];

/** Integers of 32 bits: byte addresses and counts. */
export const i32 = {
  of: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a) as Binary,
  mul: binary(0x6c) as Binary,
  less: binary(0x49) as Binary,
} as const;

/** An alignment of 8 bytes, as a power of two, and a constant offset. */
const at = (offset: number): number[] => [3, ...unsigned(offset)];

/** Two doubles side by side. */
export const f64x2 = {
  zero: [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)] as Code,
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, ...at(offset)],
  /** The double at an address, twice. */
  loadSplat: (address: Code, offset = 0): Code => [...address, 0xfd, 0x0a, ...at(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, ...at(offset)],
  splat: (double: Code): Code => [...double, 0xfd, 0x14],
  add: binary(0xfd, 0xf0, 0x01) as Binary,
  mul: binary(0xfd, 0xf2, 0x01) as Binary,
} as const;

/** Runs `body` once, and again while `condition` holds after it. */
export const repeat = (body: readonly Code[], condition: Code): Code => [
  0x03,
  0x40,
  ...body.flat(),
  ...condition,
  0x0d,
  0x00,
  0x0b,
];

export const either = (condition: Code, then: readonly Code[], otherwise: readonly Code[]): Code => [
  ...condition,
  0x04,
  0x40,
  ...then.flat(),
  0x05,
  ...otherwise.flat(),
  0x0b,
];

const valueTypes = { i32: 0x7f, f64: 0x7c, f64x2: 0x7b } as const;
export type ValueType = keyof typeof valueTypes;

/** A function that returns nothing. */
export interface FunctionCode {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: readonly Code[];
}

/** @param body is given the number of each parameter and local variable by its name */
export function functionCode<Parameter extends string, Own extends string>(
  name: string,
  parameters: Readonly<Record<Parameter, ValueType>>,
  locals: Readonly<Record<Own, ValueType>>,
  body: (local: Readonly<Record<Parameter | Own, Local>>) => readonly Code[],
): FunctionCode {
  const names = [...Object.keys(parameters), ...Object.keys(locals)];
  const numbers = Object.fromEntries(names.map((each, number) => [each, number]));
  return {
    name,
    parameters: Object.values(parameters),
    locals: Object.values(locals),
    body: body(numbers as Record<Parameter | Own, Local>),
  };
}

const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(list(items))];
const text = (name: string): Code => sized(Array.from(name, (letter) => letter.charCodeAt(0)));

/** '\\0asm' and version 1. */
const magic: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module that exports its functions and one `memory`, which has no pages at first. */
export function moduleBytes(functions: readonly FunctionCode[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...list(parameters.map((each) => [valueTypes[each]])), 0]);
  const exports = functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
  const bodies = functions.map(({ locals, body }) =>
    sized([...list(locals.map((each) => [1, valueTypes[each]])), ...body.flat(), 0x0b]),
  );
  return Uint8Array.from([
    ...magic,
    ...section(1, types),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(5, [[0x00, 0x00]]),
    ...section(7, [[...text('memory'), 0x02, 0x00], ...exports]),
    ...section(10, bodies),
  ]);
}
