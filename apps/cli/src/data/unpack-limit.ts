import { usageError } from '../output/usage-error.ts';

/** Bytes that any file may become, and what a byte of it adds: gzip makes at most about 1,000 of one, of text that people write 5 to 20. */
const base = 128 << 20;
const perByte = 200;

/** Megabytes that a file may become, whatever its size. */
export const unpackVariable = 'DDCL_MAX_UNPACKED_MB';

/**
 * Bytes that a packed file may become when it is read: 128 MiB and 200 for each of its bytes, or what `DDCL_MAX_UNPACKED_MB` says. What a file says
 * of its own lengths is believed up to here.
 *
 * @param size of the file, bytes
 * @throws DdclError `argument` for a variable that is no positive number
 */
export function unpackLimit(size: number): number {
  const given = process.env[unpackVariable];
  if (given === undefined || given === '') return base + perByte * size;
  const megabytes = Number(given);
  if (!(megabytes > 0)) throw usageError(`${unpackVariable} is ${given}; expected a positive number of megabytes.`);
  return megabytes * 2 ** 20;
}

/**
 * Seconds of a processor that decoding may take, many times what it does: half of one, one for each million bytes, and one for each two million numbers.
 *
 * @param size of the file, bytes
 * @param numbers how many it says it has
 */
export const unpackSeconds = (size: number, numbers: number): number =>
  (0.5 + size / 1e6 + numbers / 2e6) * Math.max(1, unpackLimit(size) / (base + perByte * size));

/** How to have more read, for messages. */
export const unpackRemedy = (size: number): string =>
  `If you trust it, set ${unpackVariable}=${Math.ceil(unpackLimit(size) / 2 ** 19)}, or more.`;
