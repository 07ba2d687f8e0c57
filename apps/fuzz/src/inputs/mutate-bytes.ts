import { oneOf, type Mutation } from './mutation.ts';

/** Counts and offsets that readers tend to believe. */
const sizes = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const wideSizes = [...sizes.map(BigInt), 1n << 32n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, (1n << 64n) - 1n];

const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const made = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
};

/** Replaces bytes `[start, end)`. */
export const spliced = (bytes: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array =>
  joined(bytes.subarray(0, start), piece, bytes.subarray(end));

const flipBit: Mutation = (bytes, random) => {
  const made = bytes.slice();
  made[random.integer(made.length)]! ^= 1 << random.integer(8);
  return made;
};

const setByte: Mutation = (bytes, random) => {
  const made = bytes.slice();
  made[random.integer(made.length)] = random.integer(2) === 0 ? random.integer(256) : oneOf(sizes, random) & 0xff;
  return made;
};

/** A number of 2, 4 or 8 bytes becomes a size of note, or one off what it was. */
const setNumber: Mutation = (bytes, random) => {
  const width = oneOf([2, 4, 8], random);
  if (bytes.length < width) return bytes;
  const made = bytes.slice();
  const view = new DataView(made.buffer);
  const at = random.integer(bytes.length - width + 1);
  const bits = 8 * width;
  const get =
    width === 8
      ? view.getBigUint64(at, true)
      : BigInt(width === 4 ? view.getUint32(at, true) : view.getUint16(at, true));
  const next =
    random.integer(3) === 0 ? get + BigInt(random.integer(5) - 2) : oneOf([...wideSizes, BigInt(bytes.length)], random);
  for (let byte = 0; byte < bits; byte += 8)
    made[at + byte / 8] = Number((BigInt.asUintN(bits, next) >> BigInt(byte)) & 0xffn);
  return made;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.integer(bytes.length));

const remove: Mutation = (bytes, random) => {
  const start = random.integer(bytes.length);
  return spliced(bytes, start, Math.min(bytes.length, start + 1 + random.integer(16)), new Uint8Array(0));
};

const insert: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length + 1);
  return spliced(
    bytes,
    at,
    at,
    Uint8Array.from({ length: 1 + random.integer(16) }, () => random.integer(256)),
  );
};

/** A piece of the file or of another one comes to stand elsewhere, over what is there or between it. */
const transplant: Mutation = (bytes, random, others) => {
  const from = oneOf([bytes, ...others], random);
  const start = random.integer(from.length);
  const piece = from.subarray(start, start + 1 + random.integer(Math.min(64, from.length - start)));
  const at = random.integer(bytes.length + 1);
  return spliced(bytes, at, random.integer(2) === 0 ? at : Math.min(bytes.length, at + piece.length), piece);
};

/** The first part of one file with the rest of another. */
const cross: Mutation = (bytes, random, others) => {
  const other = oneOf([bytes, ...others], random);
  return joined(bytes.subarray(0, random.integer(bytes.length)), other.subarray(random.integer(other.length)));
};

const zero: Mutation = (bytes, random) => {
  const start = random.integer(bytes.length);
  return bytes.slice().fill(oneOf([0, 0xff], random), start, start + 1 + random.integer(32));
};

const all = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setNumber,
  setNumber,
  truncate,
  remove,
  insert,
  transplant,
  cross,
  zero,
];

/** Damage that knows nothing of the format. */
export const mutateBytes: Mutation = (bytes, random, others) =>
  bytes.length === 0 ? Uint8Array.of(random.integer(256)) : oneOf(all, random)(bytes, random, others);
