import {
  either,
  f64x2,
  functionCode,
  get,
  i32,
  moduleBytes,
  repeat,
  set,
  type Code,
  type FunctionCode,
  type Local,
} from './wasm-code.ts';

/** Functions over the module's memory; places, strides and sizes in bytes. */
export interface SimdFunctions {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /**
   * `C = A B`, or `C += A B` where `accumulate` is not 0, for 4 columns and `tiles` times four rows. A goes on by `rowA` from row to row and by
   * `stepA` along the summed axis; B is a panel of 4 columns, one step after the other, that ends at `endB`.
   */
  multiply(
    a: number,
    rowA: number,
    stepA: number,
    b: number,
    endB: number,
    c: number,
    rowC: number,
    tiles: number,
    accumulate: number,
  ): void;
  /** `y += scale x` of an even number of doubles, up to `endX`. */
  addScaled(scale: number, x: number, endX: number, y: number): void;
}

const moved = (local: Local, by: Code): Code => set(local, i32.add(get(local), by));

/** 4 x 4 results in eight registers of two. Each is summed in the order of steps, so that plain JavaScript that does the same has the same bits. */
function multiplyCode(): FunctionCode {
  return functionCode(
    'multiply',
    {
      a: 'i32',
      rowA: 'i32',
      stepA: 'i32',
      b: 'i32',
      endB: 'i32',
      c: 'i32',
      rowC: 'i32',
      tiles: 'i32',
      accumulate: 'i32',
    },
    {
      a0: 'i32',
      a1: 'i32',
      a2: 'i32',
      a3: 'i32',
      step: 'i32',
      to: 'i32',
      left: 'f64x2',
      right: 'f64x2',
      factor: 'f64x2',
      left0: 'f64x2',
      left1: 'f64x2',
      left2: 'f64x2',
      left3: 'f64x2',
      right0: 'f64x2',
      right1: 'f64x2',
      right2: 'f64x2',
      right3: 'f64x2',
    },
    (x) => {
      const rows = [
        { from: x.a0, left: x.left0, right: x.right0 },
        { from: x.a1, left: x.left1, right: x.right1 },
        { from: x.a2, left: x.left2, right: x.right2 },
        { from: x.a3, left: x.left3, right: x.right3 },
      ] as const;
      const addProduct = (sum: Local, column: Local): Code =>
        set(sum, f64x2.add(get(sum), f64x2.mul(get(x.factor), get(column))));
      const starts = rows.map(({ from }, row) =>
        set(from, row === 0 ? get(x.a) : i32.add(get(rows[row - 1]!.from), get(x.rowA))),
      );
      const load = rows.flatMap(({ left, right }) => [
        set(left, f64x2.load(get(x.to))),
        set(right, f64x2.load(get(x.to), 16)),
        moved(x.to, get(x.rowC)),
      ]);
      const clear = rows.flatMap(({ left, right }) => [set(left, f64x2.zero), set(right, f64x2.zero)]);
      const addStep = rows.flatMap(({ from, left, right }) => [
        set(x.factor, f64x2.loadSplat(get(from))),
        moved(from, get(x.stepA)),
        addProduct(left, x.left),
        addProduct(right, x.right),
      ]);
      const store = rows.flatMap(({ left, right }) => [
        f64x2.store(get(x.c), get(left)),
        f64x2.store(get(x.c), get(right), 16),
        moved(x.c, get(x.rowC)),
      ]);
      const tile = [
        ...starts,
        either(get(x.accumulate), [set(x.to, get(x.c)), ...load], clear),
        set(x.step, get(x.b)),
        repeat(
          [
            set(x.left, f64x2.load(get(x.step))),
            set(x.right, f64x2.load(get(x.step), 16)),
            ...addStep,
            moved(x.step, i32.of(32)),
          ],
          i32.less(get(x.step), get(x.endB)),
        ),
        ...store,
        moved(x.a, i32.mul(i32.of(4), get(x.rowA))),
        moved(x.tiles, i32.of(-1)),
      ];
      return [repeat(tile, get(x.tiles))];
    },
  );
}

function addScaledCode(): FunctionCode {
  return functionCode(
    'addScaled',
    { scale: 'f64', x: 'i32', endX: 'i32', y: 'i32' },
    { factor: 'f64x2' },
    ({ scale, x, endX, y, factor }) => [
      set(factor, f64x2.splat(get(scale))),
      repeat(
        [
          f64x2.store(get(y), f64x2.add(f64x2.load(get(y)), f64x2.mul(get(factor), f64x2.load(get(x))))),
          moved(x, i32.of(16)),
          moved(y, i32.of(16)),
        ],
        i32.less(get(x), get(endX)),
      ),
    ],
  );
}

/** What is used of WebAssembly. Its types come with those of the DOM, which a package for any engine cannot ask for. */
interface WebAssemblyEngine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

let compiled: object | undefined;

/** A new instance with a memory of its own, which has no pages yet; undefined where the engine lacks SIMD or a page's policy forbids to compile. */
export function simdFunctions(): SimdFunctions | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyEngine };
  try {
    compiled ??= WebAssembly && new WebAssembly.Module(moduleBytes([multiplyCode(), addScaledCode()]));
    return compiled && (new WebAssembly!.Instance(compiled).exports as SimdFunctions);
  } catch {
    return undefined;
  }
}
