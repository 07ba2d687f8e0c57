import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend, DeviceBuffer, Executable } from '../backend/contract.ts';
import type { TypedArray } from '../program/dtype.ts';
import { resultTypes } from '../program/program.ts';
import { elementCount, type ConcreteType } from '../program/tensor-type.ts';
import { overlap } from './overlap.ts';
import { freeBlock, type PlacedBlock } from './placed-block.ts';

/** Numbers that are on the device while a pass needs them. */
export type PassNumbers = readonly [type: ConcreteType, data: TypedArray];

/** A parameter of a program: numbers, or a buffer, which stays the caller's. */
export type PassInput = DeviceBuffer | PassNumbers;

/** Options of one pass. */
export interface PassRunOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Called after each block with the tokens passed so far. */
  readonly onProgress?: ((tokens: number) => void) | undefined;
  /** Parameters after the inputs that go with a block alone: of `rows` tokens from number `first` of the pass on. */
  readonly beside?: ((first: number, rows: number) => readonly PassInput[]) | undefined;
}

/** Results of one block. */
export interface BlockResults {
  /** Number of its first token in the pass. */
  readonly first: number;
  /** Tokens in it. */
  readonly rows: number;
  readonly tokenWeights: Float32Array | Float64Array;
  /** Sum of these weights. */
  readonly weight: number;
  readonly sums: readonly TypedArray[];
  /** Numbers of these tokens alone, in order; copies. */
  readonly perToken: readonly TypedArray[];
}

/** Results of a whole pass. */
export interface PassTotals {
  /** Added up in float64, so that the sum over many blocks loses nothing; zeros if there are no tokens. */
  readonly sums: readonly Float64Array[];
  readonly tokens: number;
  /** Sum of the tokens' weights. */
  readonly weight: number;
}

/** A program that is ready for the tokens of a pass, to be run as often as wanted. */
export interface PassProgram {
  /**
   * One pass in stored order, block by block. The next block is read and uploaded while the device works on the one before.
   *
   * @throws DdclError `data` or `shape` for tokens that cannot be used, `aborted` when the signal fires, whatever the backend throws;
   *   the device then holds what it held before
   */
  blocks(inputs: readonly PassInput[], options?: PassRunOptions): AsyncGenerator<BlockResults>;
  /** One pass, added up. `onRows` is called with the results per token of each block, in stored order. */
  sum(
    inputs: readonly PassInput[],
    options?: PassRunOptions & { readonly onRows?: ((...perToken: TypedArray[]) => void) | undefined },
  ): Promise<PassTotals>;
}

/** What a program of a pass runs on. */
export interface PassBlocks {
  /** Tokens of a block, those that fill it up included. */
  readonly size: number;
  /** Whether blocks stay on the device after they were used. */
  readonly keeps: boolean;
  /** What programs take after all else. */
  readonly frame: readonly DeviceBuffer[];
  open(): AsyncIterable<PlacedBlock>;
}

/** @param sums how many of the program's results are sums; those after them are per token */
export function passProgram(
  backend: Backend,
  executable: Executable,
  sums: number,
  { size, keeps, frame, open }: PassBlocks,
): PassProgram {
  const lengths = resultTypes(executable.program).map(({ shape }) => elementCount(shape as readonly number[]));
  const free = (buffers: readonly DeviceBuffer[]): void => {
    for (const buffer of buffers) backend.free(buffer);
  };
  /** The buffers of inputs, of which those that are made here are added to `made`. */
  const place = (inputs: readonly PassInput[], made: DeviceBuffer[]): DeviceBuffer[] =>
    inputs.map((input) => {
      if (!isNumbers(input)) return input;
      const buffer = backend.upload(...input);
      made.push(buffer);
      return buffer;
    });

  const runBlock = async (
    block: PlacedBlock,
    shared: readonly DeviceBuffer[],
    { signal, beside }: PassRunOptions,
  ): Promise<BlockResults> => {
    const { tokens, weights, ...about } = block;
    const held: DeviceBuffer[] = keeps ? [] : [tokens, weights];
    try {
      throwIfAborted(signal);
      const others = beside === undefined ? [] : place(beside(about.first, about.rows), held);
      const results = await executable.run([tokens, weights, ...shared, ...others, ...frame], { signal });
      held.push(...results);
      const values = await Promise.all(results.map((result) => backend.download(result)));
      const perToken = values.slice(sums).map((all) => all.subarray(0, (all.length / size) * about.rows));
      return { ...about, sums: values.slice(0, sums), perToken };
    } finally {
      free(held);
    }
  };
  async function* blocks(inputs: readonly PassInput[], options: PassRunOptions = {}): AsyncGenerator<BlockResults> {
    const made: DeviceBuffer[] = [];
    try {
      const shared = place(inputs, made);
      const work = (block: PlacedBlock): Promise<BlockResults> => runBlock(block, shared, options);
      const drop = (block: PlacedBlock): void => (keeps ? undefined : freeBlock(backend, block));
      for await (const results of overlap(open(), work, drop)) {
        yield results;
        options.onProgress?.(results.first + results.rows);
      }
      throwIfAborted(options.signal);
    } finally {
      free(made);
    }
  }

  return {
    blocks,
    async sum(inputs, options = {}) {
      const totals = lengths.slice(0, sums).map((length) => new Float64Array(length));
      let [tokens, weight] = [0, 0];
      for await (const block of blocks(inputs, options)) {
        totals.forEach((total, index) => addTo(total, block.sums[index]!));
        tokens += block.rows;
        weight += block.weight;
        options.onRows?.(...block.perToken);
      }
      return { sums: totals, tokens, weight };
    },
  };
}

function isNumbers(input: PassInput): input is PassNumbers {
  return Array.isArray(input);
}

function addTo(total: Float64Array, values: TypedArray): void {
  for (let element = 0; element < values.length; element++) total[element]! += values[element]!;
}
