import type { KernelModule } from '../../wgsl/module.ts';
import { threadsOf, type Tile } from './tiles.ts';

/**
 * How an operand lies in memory: with the terms of a sum side by side (`inner`), or with its rows (columns for the second operand) side by
 * side (`outer`). It is staged in shared memory in the same direction, four elements at a time, so transposes need no scatter.
 */
export type Direction = 'inner' | 'outer';

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const components = ['x', 'y', 'z', 'w'];

export interface ProductParts {
  readonly tile: Tile;
  readonly directionA: Direction;
  readonly directionB: Direction;
  /**
   * WGSL of four elements of an operand: `(line, part)` are the row and the first of four terms for `inner`, the term and the first of four
   * rows for `outer`. Zeros beyond the ends.
   */
  readonly loadA: (line: string, part: string) => string;
  readonly loadB: (line: string, part: string) => string;
  /** A statement about the four elements `four` that a thread has just loaded in one of its steps through a tile. */
  readonly sideA?: (step: number) => string;
  readonly sideB?: (step: number) => string;
  /** WGSL of the first term and the end of the terms. */
  readonly begin: string;
  readonly end: string;
  /** Writes what becomes of the results of a thread. */
  readonly finish: (results: ProductResults) => void;
}

/** How many steps the threads of a workgroup take to load a tile of so many rows (or columns). */
export function loadSteps(tile: Tile, outer: number): number {
  return Math.ceil((outer * tile.depth) / 4 / threadsOf(tile));
}

/** The results of a thread, as WGSL. */
export interface ProductResults {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly at: (row: number, column: number) => string;
}

/**
 * A matrix product with hooks: load a tile of A, load a tile of B, multiply, finish. Expects `a0` and `b0`, the first row and column of the
 * workgroup. The inner loop takes four terms at a time from shared memory into registers; accumulators are named, not indexed. A thread's
 * columns of a B by `inner` are spread over the tile, so that neighbours store side by side; the spare vec4 of each line keeps reads of
 * 16 bytes off each other's banks.
 */
export function writeProduct(module: KernelModule, parts: ProductParts): void {
  const { tile, directionA, directionB } = parts;
  const { rows, columns, depth, threadRows, threadColumns } = tile;
  const { scope } = module;
  const threads = threadsOf(tile);
  const across = columns / threadColumns;
  const down = rows / threadRows;
  const strideA = directionA === 'inner' ? depth / 4 + 1 : rows / 4;
  const strideB = directionB === 'inner' ? depth / 4 + 1 : columns / 4;
  module.shared('tile_a', `array<vec4f, ${directionA === 'inner' ? rows * strideA : depth * strideA}>`);
  module.shared('tile_b', `array<vec4f, ${directionB === 'inner' ? columns * strideB : depth * strideB}>`);

  scope.line(`let x = lane % ${across}u;`);
  scope.line(`let y = lane / ${across}u;`);
  const vectors = threadColumns / 4;
  for (const i of range(threadRows)) {
    scope.line(
      range(vectors)
        .map((j) => `var sum${i}_${j} = vec4f(0);`)
        .join(' '),
    );
  }
  const fill = (
    which: 'a' | 'b',
    outer: number,
    stride: number,
    direction: Direction,
    load: ProductParts['loadA'],
    side: ProductParts['sideA'],
  ): void => {
    const perLine = (direction === 'inner' ? depth : outer) / 4;
    const total = (outer * depth) / 4;
    for (const step of range(Math.ceil(total / threads))) {
      const isWhole = (step + 1) * threads <= total;
      scope.line(`${isWhole ? '' : `if (lane + ${step * threads}u < ${total}u) `}{`);
      scope.line(`  let e = lane + ${step * threads}u; let line = e / ${perLine}u; let part = e % ${perLine}u;`);
      const value =
        direction === 'inner' ? load(`${which}0 + line`, 't + part * 4u') : load('t + line', `${which}0 + part * 4u`);
      scope.line(`  let four = ${value};`);
      scope.line(`  tile_${which}[line * ${stride}u + part] = four;`);
      if (side !== undefined) scope.line(`  ${side(step)}`);
      scope.line('}');
    }
  };
  scope.block(`for (var t = ${parts.begin}; t < ${parts.end}; t += ${depth}u)`, () => {
    fill('a', rows, strideA, directionA, parts.loadA, parts.sideA);
    fill('b', columns, strideB, directionB, parts.loadB, parts.sideB);
    scope.line('workgroupBarrier();');
    scope.block(`for (var q = 0u; q < ${depth / 4}u; q++)`, () => {
      const rowOf = (i: number): string => (directionA === 'inner' ? `y + ${down * i}u` : `y * ${threadRows}u + ${i}u`);
      const columnOf = (j: number): string =>
        directionB === 'inner' ? `x + ${across * j}u` : `x * ${threadColumns}u + ${j}u`;
      if (directionA === 'inner') {
        for (const i of range(threadRows)) scope.line(`let a${i} = tile_a[(${rowOf(i)}) * ${strideA}u + q];`);
      } else {
        for (const k of range(4)) {
          for (const i of range(threadRows / 4)) {
            scope.line(`let a${k}_${i} = tile_a[(q * 4u + ${k}u) * ${strideA}u + y * ${threadRows / 4}u + ${i}u];`);
          }
        }
      }
      if (directionB === 'inner') {
        for (const j of range(threadColumns)) scope.line(`let c${j} = tile_b[(${columnOf(j)}) * ${strideB}u + q];`);
        for (const k of range(4)) {
          for (const j of range(vectors)) {
            scope.line(
              `let b${k}_${j} = vec4f(${range(4)
                .map((c) => `c${4 * j + c}.${components[k]}`)
                .join(', ')});`,
            );
          }
        }
      } else {
        for (const k of range(4)) {
          for (const j of range(vectors)) {
            scope.line(`let b${k}_${j} = tile_b[(q * 4u + ${k}u) * ${strideB}u + x * ${vectors}u + ${j}u];`);
          }
        }
      }
      for (const k of range(4)) {
        for (const i of range(threadRows)) {
          const a = directionA === 'inner' ? `a${i}.${components[k]}` : `a${k}_${i >> 2}.${components[i & 3]}`;
          for (const j of range(vectors)) scope.line(`sum${i}_${j} = fma(vec4f(${a}), b${k}_${j}, sum${i}_${j});`);
        }
      }
    });
    scope.line('workgroupBarrier();');
  });
  const row = (i: number): string =>
    directionA === 'inner' ? `a0 + y + ${down * i}u` : `a0 + y * ${threadRows}u + ${i}u`;
  const column = (j: number): string =>
    directionB === 'inner' ? `b0 + x + ${across * j}u` : `b0 + x * ${threadColumns}u + ${j}u`;
  parts.finish({
    rows: range(threadRows).map(row),
    columns: range(threadColumns).map(column),
    at: (i, j) => `sum${i}_${j >> 2}.${components[j & 3]}`,
  });
}
