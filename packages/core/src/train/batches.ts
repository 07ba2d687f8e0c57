import { DdclError } from '../errors/ddcl-error.ts';
import type { TypedArray } from '../program/dtype.ts';
import { createRandom } from '../random/random.ts';

export interface BatchOptions {
  /** Rows of a batch, >= 1. */
  readonly size: number;
  /** Of the order; a whole number >= 0. Default 0. */
  readonly seed?: number;
  /** Leave out what is over at the end, so that all batches have one size. Default false. */
  readonly dropLast?: boolean;
}

/** Mini-batches of arrays that lie in memory. */
export interface ArrayBatches<Arrays> {
  readonly batchesPerEpoch: number;
  /** The batches of an epoch (from 0), each with arrays of its own. The order depends on the seed and the epoch alone, so a run can go on in the middle. */
  epoch(epoch: number): Generator<Arrays>;
}

/**
 * Cuts arrays into mini-batches, in another order each epoch.
 *
 * @param arrays by name of the input, row-major, each of `rows` rows
 * @throws DdclError `argument` for numbers out of range, `shape` for an array that is not `rows` rows
 */
export function batchesFromArrays<Arrays extends Readonly<Record<string, TypedArray>>>(
  arrays: Arrays,
  { rows, shuffle = true, ...options }: BatchOptions & { readonly rows: number; readonly shuffle?: boolean },
): ArrayBatches<Arrays> {
  const { size, seed = 0, dropLast = false } = options;
  requireWhole({ rows, size });
  const widths = Object.entries(arrays).map(([name, array]) => {
    if (array.length % rows === 0) return [name, array.length / rows] as const;
    throw new DdclError('shape', `The array '${name}' of ${array.length} numbers is not ${rows} rows.`);
  });
  const random = createRandom(seed);
  const batchesPerEpoch = dropLast ? Math.floor(rows / size) : Math.ceil(rows / size);
  return {
    batchesPerEpoch,
    *epoch(epoch) {
      const order = shuffle ? random.fork(epoch).permutation(rows) : Int32Array.from({ length: rows }, (_, row) => row);
      for (let batch = 0; batch < batchesPerEpoch; batch++) {
        const picked = order.subarray(batch * size, (batch + 1) * size);
        yield Object.fromEntries(
          widths.map(([name, width]) => [name, rowsOf(arrays[name]!, width, picked)]),
        ) as unknown as Arrays;
      }
    },
  };
}

function rowsOf(array: TypedArray, width: number, rows: Int32Array): TypedArray {
  const made = array.slice(0, rows.length * width);
  rows.forEach((row, to) => made.set(array.subarray(row * width, (row + 1) * width), to * width));
  return made;
}

/** One row of each input: its numbers, or one number. */
export type Example = Readonly<Record<string, ArrayLike<number> | number>>;

/**
 * Mini-batches of examples as they come, mixed in a pool: each batch draws from the `pool` examples that are waiting. All examples have the same names and lengths.
 *
 * @throws DdclError `argument` for numbers out of range, `shape` for an example with other names or lengths than the first
 */
export async function* batchesFromIterable<E extends Example>(
  examples: AsyncIterable<E> | Iterable<E>,
  {
    pool = 1024,
    ...options
  }: BatchOptions & { /** Default 1024; 1 leaves the order as it is. */ readonly pool?: number },
): AsyncGenerator<{ readonly [Name in keyof E]: number[] }> {
  const { size, seed = 0, dropLast = false } = options;
  requireWhole({ size, pool });
  const random = createRandom(seed);
  const waiting: E[] = [];
  let batch: E[] = [];
  let first: E | undefined;
  const lengths = (example: E): string =>
    Object.entries(example)
      .map(([name, value]) => `${name} (${typeof value === 'number' ? 1 : value.length})`)
      .sort()
      .join(', ');
  /** Moves a random one of those that wait into the batch; returns a batch that is full. */
  const draw = (): E[] | undefined => {
    const index = random.integer(waiting.length);
    batch.push(waiting[index]!);
    waiting[index] = waiting.at(-1)!;
    waiting.pop();
    if (batch.length < size) return undefined;
    const full = batch;
    batch = [];
    return full;
  };
  for await (const example of examples) {
    first ??= example;
    if (lengths(example) !== lengths(first))
      throw new DdclError(
        'shape',
        `All examples have the inputs of the first, ${lengths(first)}, but one has ${lengths(example)}.`,
      );
    waiting.push(example);
    const full = waiting.length >= pool ? draw() : undefined;
    if (full !== undefined) yield columns(full);
  }
  while (waiting.length > 0) {
    const full = draw();
    if (full !== undefined) yield columns(full);
  }
  if (batch.length > 0 && !dropLast) yield columns(batch);
}

function columns<E extends Example>(examples: readonly E[]): { readonly [Name in keyof E]: number[] } {
  const names = Object.keys(examples[0]!);
  const column = (name: string): number[] =>
    examples.flatMap((example) => {
      const value = example[name]!;
      return typeof value === 'number' ? [value] : Array.from(value);
    });
  return Object.fromEntries(names.map((name) => [name, column(name)])) as { readonly [Name in keyof E]: number[] };
}

function requireWhole(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new DdclError('argument', `${name} must be a whole number >= 1, but is ${value}.`);
  }
}
