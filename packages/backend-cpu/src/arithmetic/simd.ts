import { DdclError } from '@ddcl/core/backend';
import type { Arithmetic, Block, Product, Scratch } from './arithmetic.ts';
import { simdFunctions, type SimdFunctions } from './simd-module.ts';

/** Memory that one kernel leaves to the next; more is given back. */
const keptBytes = 1 << 26;
const pageBytes = 1 << 16;
const doubleBytes = 8;
/** What addresses of 32 bits reach, less a page: the end of a block is an address too. */
const mostBytes = 2 ** 32 - pageBytes;

interface GrowingBlock extends Block {
  readonly length: number;
  data: Float64Array;
}

/** Products in WebAssembly, two doubles at a time; undefined where that is not there. */
export function simdArithmetic(): Arithmetic | undefined {
  let kept = simdFunctions();
  if (kept === undefined) return undefined;
  return function* (work) {
    const functions = kept ?? simdFunctions()!;
    // Work inside of work gets memory of its own.
    kept = undefined;
    try {
      return yield* work(new SimdScratch(functions));
    } finally {
      if (functions.memory.buffer.byteLength <= keptBytes) kept = functions;
    }
  };
}

class SimdScratch implements Scratch {
  readonly #functions: SimdFunctions;
  readonly #blocks: GrowingBlock[] = [];
  #next = 0;

  constructor(functions: SimdFunctions) {
    this.#functions = functions;
  }

  take(length: number): Block {
    const { memory } = this.#functions;
    const at = this.#next;
    this.#next += Math.ceil(length / 2) * 2 * doubleBytes;
    if (this.#next > mostBytes) {
      throw new DdclError(
        'unsupported',
        `A kernel of the cpu backend needs more than the 4 GiB of scratch memory that WebAssembly has: ${(this.#next / 2 ** 30).toFixed(1)} GiB at least. cpuBackend({ simd: false }) has no such limit.`,
      );
    }
    const missing = this.#next - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / pageBytes));
      // The arrays of before have no memory any more.
      for (const block of this.#blocks) block.data = new Float64Array(memory.buffer, block.at, block.length);
    }
    const block = { at, length, data: new Float64Array(memory.buffer, at, length).fill(0) };
    this.#blocks.push(block);
    return block;
  }

  multiply(
    { a, rowA, stepA, b, startB = 0, c, rows, columns, inner, accumulate = false }: Product,
    fromColumn = 0,
    toColumn = columns,
  ): void {
    const tiles = Math.ceil(rows / 4);
    for (let column = fromColumn; column < toColumn; column += 4) {
      const panel = b.at + (startB + column * inner) * doubleBytes;
      this.#functions.multiply(
        a.at,
        rowA * doubleBytes,
        stepA * doubleBytes,
        panel,
        panel + 4 * inner * doubleBytes,
        c.at + column * doubleBytes,
        columns * doubleBytes,
        tiles,
        accumulate ? 1 : 0,
      );
    }
  }

  addScaled(scale: number, x: Block, startX: number, y: Block, startY: number, length: number): void {
    const from = x.at + startX * doubleBytes;
    this.#functions.addScaled(scale, from, from + length * doubleBytes, y.at + startY * doubleBytes);
  }
}
