import { directionOf, writeLoader, type ProductOperand } from '../kernels/product/matmul.ts';
import { loadSteps, writeProduct } from '../kernels/product/template.ts';
import { groupsOf, threadsOf, type Tile } from '../kernels/product/tiles.ts';
import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { memberOf, type Size } from '../wgsl/size.ts';
import type { Stored, Value } from '../wgsl/value.ts';

/** Buffers of a pass over tokens. */
export interface LogitBuffers {
  /** `x_nk = (2 z.p - |p|^2) / T`, [n, K]; undefined where nothing but the statistics is asked for. */
  readonly logits: Stored | undefined;
  /** Four numbers for each token and tile of prototypes, [n, tiles, 4]; see {@link mergeFunction}. Or, with one tile, those of {@link finishKernel}. */
  readonly statistics: Stored;
  /** `|z_n|^2`, [n]. */
  readonly squares: Stored;
}

/** `sum_n a_n l_n` over the tokens of a workgroup, on the way. */
export interface ErrorSums {
  /** `a_n`, [n]. */
  readonly weights: Stored;
  /** One number for each workgroup. */
  readonly sums: Stored;
  /** Whether they are added to what the buffer holds. */
  readonly adds: boolean;
}

export interface LogitCall {
  readonly tokens: Value;
  readonly prototypes: Value;
  readonly temperature: Stored;
  readonly n: Size;
  readonly m: Size;
  readonly k: Size;
}

/**
 * Statistics `(M = max x, S = sum e^(x - M), E = sum e^(x - M) (x - M), winner)` of some prototypes; the winner is a number as f32, the lower
 * one of equals. Two sets merge into that of all. Sums of nothing have S = E = 0 and M = -1e30.
 */
export const mergeFunction = `fn merge(a: vec4f, b: vec4f) -> vec4f {
  let high = max(a.x, b.x);
  let ea = exp(a.x - high);
  let eb = exp(b.x - high);
  let winner = select(b.w, a.w, a.x > b.x || (a.x == b.x && a.w < b.w));
  return vec4f(high, a.y * ea + b.y * eb, ea * (a.z + (a.x - high) * a.y) + eb * (b.z + (b.x - high) * b.y), winner);
}`;

/** The numbers of a token that everything else needs: `(M, 1 / S, E / S, winner)`. */
export const closeFunction = `fn close(s: vec4f) -> vec4f { return vec4f(s.x, 1.0 / s.y, s.z / s.y, s.w); }`;

/**
 * Logits, with statistics of each row of a tile and squared lengths on the way: the loaders see every number of tokens and prototypes anyway.
 * docs/math.md section 1.
 */
export function logitsKernel(
  symbols: Symbols,
  call: LogitCall,
  tile: Tile,
  target: LogitBuffers,
  errors?: ErrorSums,
): Dispatch {
  const module = new KernelModule({ ...symbols, ddcl_n: call.n.value, ddcl_m: call.m.value, ddcl_k: call.k.value });
  const { scope } = module;
  const [n, m, k] = ['ddcl_n', 'ddcl_m', 'ddcl_k'].map((name) => `sizes.${memberOf(name)}`) as [string, string, string];
  const isSingle = call.k.value <= tile.columns;
  const threads = threadsOf(tile);
  const across = tile.columns / tile.threadColumns;
  const perLine = tile.depth / 4;
  const operand = (value: Value, rows: Size, rowText: string, transposed: boolean): ProductOperand => ({
    value:
      value.kind === 'stored'
        ? {
            ...value,
            shape: [
              { ...rows, text: rowText },
              { ...call.m, text: m },
            ],
          }
        : value,
    transposed,
  });
  const a = operand(call.tokens, call.n, n, false);
  const b = operand(call.prototypes, call.k, k, true);
  const loadA = writeLoader(module, 'load_a', a, []);
  const loadB = writeLoader(module, 'load_b', b, []);
  const temperature = module.read(call.temperature.buffer, 'f32');
  const logits = target.logits && module.write(target.logits.buffer, 'f32');
  const [statistics, squares] = [
    module.write(target.statistics.buffer, 'vec4f'),
    module.write(target.squares.buffer, 'f32'),
  ];
  module.shared('lengths', `array<f32, ${tile.rows + tile.columns}>`);
  module.define('merge', mergeFunction);
  if (isSingle) module.define('close', closeFunction);
  const [stepsA, stepsB] = [loadSteps(tile, tile.rows), loadSteps(tile, tile.columns)];
  for (let step = 0; step < stepsA; step++) scope.line(`var za${step} = 0.0;`);
  for (let step = 0; step < stepsB; step++) scope.line(`var pb${step} = 0.0;`);
  scope.line(`let tiles = (${k} + ${tile.columns - 1}u) / ${tile.columns}u;`);
  scope.line(`let a0 = (group / tiles) * ${tile.rows}u;`);
  scope.line(`let b0 = (group % tiles) * ${tile.columns}u;`);
  writeProduct(module, {
    tile,
    directionA: directionOf(a, true),
    directionB: directionOf(b, false),
    loadA: (line, part) => `${loadA}(0u, ${line}, ${part})`,
    loadB: (line, part) => `${loadB}(0u, ${line}, ${part})`,
    sideA: (step) => `za${step} += dot(four, four);`,
    sideB: (step) => `pb${step} += dot(four, four);`,
    begin: '0u',
    end: m,
    finish: ({ rows, columns, at }) => {
      // Threads that loaded parts of one row add its squares up, in order.
      const writeLengths = (name: string, steps: number, outer: number, offset: number): void => {
        for (let step = 0; step < steps; step++) {
          const lines = Math.min(threads / perLine, outer - (step * threads) / perLine);
          scope.line(`tile_a[lane].x = ${name}${step};`);
          scope.line('workgroupBarrier();');
          scope.block(`if (lane < ${lines}u)`, () => {
            scope.line('var length = 0.0;');
            scope.line(`for (var j = 0u; j < ${perLine}u; j++) { length += tile_a[lane * ${perLine}u + j].x; }`);
            scope.line(`lengths[${offset + (step * threads) / perLine}u + lane] = length;`);
          });
          scope.line('workgroupBarrier();');
        }
      };
      writeLengths('za', stepsA, tile.rows, 0);
      writeLengths('pb', stepsB, tile.columns, tile.rows);
      scope.block('if (b0 == 0u)', () => {
        scope.line(
          `for (var r = lane; r < ${tile.rows}u; r += ${threads}u) { if (a0 + r < ${n}) { ${squares}[a0 + r] = lengths[r]; } }`,
        );
      });
      scope.line(`let heat = ${temperature}[0];`);
      scope.line('let inverse = 1.0 / heat;');
      if (errors !== undefined) scope.line('var error = 0.0;');
      columns.forEach((column, j) => {
        scope.line(`let column${j} = ${column}; let length${j} = lengths[${tile.rows}u + column${j} - b0];`);
      });
      rows.forEach((row, i) => {
        scope.block('', () => {
          scope.line(`let r = ${row};`);
          columns.forEach((_, j) => scope.line(`let x${j} = (2.0 * ${at(i, j)} - length${j}) * inverse;`));
          scope.line('var high = -1e30; var winner = 0u; var total = 0.0; var tilt = 0.0;');
          columns.forEach((_, j) => {
            const takes = j === 0 ? '' : `if (x${j} > high) `;
            const keeps = logits === undefined ? '' : ` if (r < ${n}) { ${logits}[r * ${k} + column${j}] = x${j}; }`;
            scope.line(`if (column${j} < ${k}) { ${takes}{ high = x${j}; winner = column${j}; }${keeps} }`);
          });
          columns.forEach((_, j) => {
            scope.line(`if (column${j} < ${k}) { let d = x${j} - high; let e = exp(d); total += e; tilt += e * d; }`);
          });
          scope.line('tile_a[lane] = vec4f(high, total, tilt, f32(winner));');
          scope.line('workgroupBarrier();');
          scope.block(`if (x == 0u && r < ${n})`, () => {
            scope.line('var own = tile_a[lane];');
            scope.line(`for (var j = 1u; j < ${across}u; j++) { own = merge(own, tile_a[lane + j]); }`);
            if (isSingle) {
              scope.line('let numbers = close(own);');
              scope.line(`${statistics}[r] = numbers;`);
              if (errors !== undefined) {
                const weight = module.read(errors.weights.buffer, 'f32');
                scope.line(`error += ${weight}[r] * max(lengths[r - a0] - heat * (numbers.x + numbers.z), 0.0);`);
              }
            } else {
              scope.line(`${statistics}[r * tiles + b0 / ${tile.columns}u] = own;`);
            }
          });
          scope.line('workgroupBarrier();');
        });
      });
      if (errors !== undefined) {
        scope.line('tile_a[lane].x = error;');
        scope.line('workgroupBarrier();');
        scope.block(`if (lane == 0u && a0 < ${n})`, () => {
          scope.line(`for (var j = ${across}u; j < ${threads}u; j += ${across}u) { error += tile_a[j].x; }`);
          scope.line(`${module.write(errors.sums.buffer, 'f32')}[group] ${errors.adds ? '+=' : '='} error;`);
        });
      }
    },
  });
  const sizes = { batches: 1, rows: call.n.value, columns: call.k.value, inner: call.m.value };
  return module.finish({
    label: 'ddcl logits',
    comment: `tokens [n, m] and prototypes [K, m] to ${logits === undefined ? 'statistics' : '[n, K] with statistics'}, tile ${tile.name} ${tile.rows} x ${tile.columns} x ${tile.depth}`,
    threads,
    groups: groupsOf(tile, sizes),
    flops: 2 * sizes.rows * sizes.columns * sizes.inner,
    bytes:
      4 *
      (sizes.rows * sizes.inner +
        sizes.columns * sizes.inner +
        (logits === undefined ? 0 : sizes.rows * sizes.columns)),
  });
}

/** Buffers of {@link finishKernel}: statistics of all tiles, and what becomes of them. */
export interface FinishBuffers {
  readonly statistics: Stored;
  readonly squares: Stored;
  readonly temperature: Stored;
  readonly rows: Stored;
}

/** Tokens of a workgroup of {@link finishKernel}. */
export const finishRows = 64;

/** The statistics of all tiles of a token become one: `(M, 1 / S, E / S, winner)`. */
export function finishKernel(
  symbols: Symbols,
  n: Size,
  tiles: number,
  { statistics, squares, temperature, rows }: FinishBuffers,
  errors?: ErrorSums,
): Dispatch {
  const module = new KernelModule({ ...symbols, ddcl_n: n.value, ddcl_tiles: tiles });
  const { scope } = module;
  module.define('merge', mergeFunction);
  module.define('close', closeFunction);
  const [from, to] = [module.read(statistics.buffer, 'vec4f'), module.write(rows.buffer, 'vec4f')];
  const count = `sizes.${memberOf('ddcl_tiles')}`;
  scope.line(`let r = group * ${finishRows}u + lane;`);
  scope.line('var error = 0.0;');
  scope.block(`if (r < sizes.${memberOf('ddcl_n')})`, () => {
    scope.line(`var own = ${from}[r * ${count}];`);
    scope.line(`for (var j = 1u; j < ${count}; j++) { own = merge(own, ${from}[r * ${count} + j]); }`);
    scope.line('let numbers = close(own);');
    scope.line(`${to}[r] = numbers;`);
    if (errors === undefined) return;
    const [weight, square] = [module.read(errors.weights.buffer, 'f32'), module.read(squares.buffer, 'f32')];
    const heat = `${module.read(temperature.buffer, 'f32')}[0]`;
    scope.line(`error = ${weight}[r] * max(${square}[r] - ${heat} * (numbers.x + numbers.z), 0.0);`);
  });
  if (errors !== undefined) {
    module.shared('errors', `array<f32, ${finishRows}>`);
    scope.line('errors[lane] = error;');
    scope.line('workgroupBarrier();');
    scope.block(`if (lane == 0u && group * ${finishRows}u < sizes.${memberOf('ddcl_n')})`, () => {
      scope.line(`for (var j = 1u; j < ${finishRows}u; j++) { error += errors[j]; }`);
      scope.line(`${module.write(errors.sums.buffer, 'f32')}[group] ${errors.adds ? '+=' : '='} error;`);
    });
  }
  return module.finish({
    label: 'ddcl finish',
    comment: 'statistics of a token over all tiles of prototypes',
    threads: finishRows,
    groups: Math.ceil(n.value / finishRows),
    flops: 12 * n.value * tiles,
    bytes: 16 * n.value * (tiles + 1),
  });
}
