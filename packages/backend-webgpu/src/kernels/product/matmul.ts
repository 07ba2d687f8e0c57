import { readsOf, type Stored, type Value } from '../../wgsl/value.ts';
import { ExpressionWriter } from '../../wgsl/expression.ts';
import { KernelModule, type Dispatch, type Symbols } from '../../wgsl/module.ts';
import { countOf, Place } from '../../wgsl/place.ts';
import { Scope } from '../../wgsl/scope.ts';
import { memberOf, type Size } from '../../wgsl/size.ts';
import { shapeText } from '../map.ts';
import { loadSteps, writeProduct, type Direction } from './template.ts';
import { groupsOf, threadsOf, type ProductSizes, type Tile, type TileChoice } from './tiles.ts';

/** An operand: a matrix, or a batch of them, transposed or not. */
export interface ProductOperand {
  readonly value: Value;
  readonly transposed: boolean;
}

export interface ProductCall {
  readonly a: ProductOperand;
  readonly b: ProductOperand;
  /** Leading axes of the result. */
  readonly batch: readonly Size[];
  readonly rows: Size;
  readonly columns: Size;
  readonly inner: Size;
  /** Where the sums of A's rows go, `[splits, rows]`: the loader has them on its way. A must be transposed, and there be one matrix. */
  readonly rowTotals?: Stored;
  /** Numbers of an earlier dispatch that the first workgroup adds up, which would else be a dispatch of its own. */
  readonly addedUp?: { readonly from: Stored; readonly to: Stored } | undefined;
  /** Whether results and row totals are added to what the buffers hold. */
  readonly adds?: boolean;
}

export function productSizes({ batch, rows, columns, inner }: ProductCall): ProductSizes {
  return { batches: countOf(batch).value, rows: rows.value, columns: columns.value, inner: inner.value };
}

/** The product into `target`: `[batch..., rows, columns]`, or with several splits `[splits, batch..., rows, columns]`. */
export function matmulKernel(
  symbols: Symbols,
  call: ProductCall,
  { tile, splits }: TileChoice,
  target: Stored,
): Dispatch {
  const { a, b, batch, rows, columns, inner } = call;
  const module = new KernelModule({ ...symbols, ...sharedSizes(call) });
  const { scope } = module;
  const sizes = productSizes(call);
  const loadA = writeLoader(module, 'load_a', a, batch);
  const loadB = writeLoader(module, 'load_b', b, batch);
  const out = module.write(target.buffer, 'f32');

  const across = `((${columns.text} + ${tile.columns - 1}u) / ${tile.columns}u)`;
  const down = `((${rows.text} + ${tile.rows - 1}u) / ${tile.rows}u)`;
  scope.line(`let a0 = ((group / ${across}) % ${down}) * ${tile.rows}u;`);
  scope.line(`let b0 = (group % ${across}) * ${tile.columns}u;`);
  scope.line(`let matrix = group / (${across} * ${down});`);
  const batches = countOf(batch).text;
  if (splits === 1) scope.line('let batch = matrix;');
  else {
    scope.line(`let batch = matrix % ${batches};`);
    // Ranges end where tiles do.
    scope.line(
      `let range = ((${inner.text} + ${splits * tile.depth - 1}u) / ${splits * tile.depth}u) * ${tile.depth}u;`,
    );
    scope.line(`let begin = (matrix / ${batches}) * range;`);
    scope.line(`let end = min(begin + range, ${inner.text});`);
  }
  if (call.rowTotals !== undefined) {
    for (let step = 0; step < loadSteps(tile, tile.rows); step++) scope.line(`var total${step} = vec4f(0);`);
  }
  writeProduct(module, {
    tile,
    directionA: directionOf(a, true),
    directionB: directionOf(b, false),
    loadA: (line, part) => `${loadA}(batch, ${line}, ${part})`,
    loadB: (line, part) => `${loadB}(batch, ${line}, ${part})`,
    begin: splits === 1 ? '0u' : 'begin',
    end: splits === 1 ? inner.text : 'end',
    ...(call.rowTotals !== undefined && { sideA: (step: number) => `total${step} += four;` }),
    finish: ({ rows: rowTexts, columns: columnTexts, at }) => {
      if (call.rowTotals !== undefined) writeRowTotals(module, call, { tile, splits }, call.rowTotals);
      if (call.addedUp !== undefined) writeAddedUp(module, tile, call.addedUp);
      const matrices = splits === 1 ? batches : `${batches} * ${splits}u`;
      scope.line(`if (matrix >= ${matrices}) { return; }`);
      rowTexts.forEach((row, i) => {
        scope.block('', () => {
          scope.line(`let r = ${row};`);
          scope.block(`if (r < ${rows.text})`, () => {
            scope.line(`let base = (matrix * ${rows.text} + r) * ${columns.text};`);
            columnTexts.forEach((column, j) => {
              scope.line(
                `{ let c = ${column}; if (c < ${columns.text}) { ${out}[base + c] ${call.adds === true ? '+=' : '='} ${at(i, j)}; } }`,
              );
            });
          });
        });
      });
    },
  });
  const flops = 2 * sizes.batches * sizes.rows * sizes.columns * sizes.inner;
  return module.finish({
    label: 'matmul',
    comment: `${shapeText(a.value)}${a.transposed ? '^T' : ''} ${shapeText(b.value)}${b.transposed ? '^T' : ''}, tile ${tile.name} ${tile.rows} x ${tile.columns} x ${tile.depth}${splits > 1 ? `, in ${splits} parts` : ''}`,
    threads: threadsOf(tile),
    groups: groupsOf(tile, sizes) * splits,
    flops,
    bytes: 4 * (operandBytes(a) + operandBytes(b) + sizes.batches * sizes.rows * sizes.columns * splits),
  });
}

function operandBytes({ value }: ProductOperand): number {
  return countOf(value.shape).value * Math.max(1, readsOf(value).size);
}

/** The inner size is the last axis of an untransposed A and of a transposed B. */
export function directionOf({ transposed }: ProductOperand, isA: boolean): Direction {
  return transposed === isA ? 'outer' : 'inner';
}

/**
 * A function of four neighbours of an operand, zeros beyond its ends: `(batch, line, part)`, line and part being the last two axes as they
 * lie in memory. Aligned buffers of numbers are read as vec4f.
 */
export function writeLoader(
  module: KernelModule,
  name: string,
  { value }: ProductOperand,
  batch: readonly Size[],
): string {
  const rank = value.shape.length;
  const [lines, width] = [value.shape[rank - 2]!, value.shape[rank - 1]!];
  const scope = new Scope();
  const place = Place.linear(scope, batch, 'batch').ofOperand(value.shape.slice(0, -2)).coordinates;
  const isAligned = value.kind === 'stored' && !value.half && width.value % 4 === 0;
  scope.line('var four = vec4f(0);');
  scope.block(`if (line < ${lines.text}${isAligned ? ` && part < ${width.text}` : ''})`, () => {
    if (isAligned) {
      const at = Place.at(scope, value.shape, [...place, 'line', 'part']).linear;
      scope.line(`four = ${module.read(value.buffer, 'vec4f')}[${at} / 4u];`);
      return;
    }
    ['x', 'y', 'z', 'w'].forEach((component, offset) => {
      scope.block(`if (part + ${offset}u < ${width.text})`, () => {
        const writer = new ExpressionWriter(module, scope);
        const at = [...place, 'line', offset === 0 ? 'part' : scope.define(`part + ${offset}u`)];
        scope.line(`four.${component} = ${writer.element(value, Place.at(scope, value.shape, at))};`);
      });
    });
  });
  module.define(
    name,
    `fn ${name}(batch: u32, line: u32, part: u32) -> vec4f {\n${scope.toString()}\n  return four;\n}`,
  );
  return name;
}

const sharedNames = { rows: 'product_rows', columns: 'product_columns', inner: 'product_inner' } as const;

function sharedSizes({ rows, columns, inner, addedUp }: ProductCall): Symbols {
  return {
    [sharedNames.rows]: rows.value,
    [sharedNames.columns]: columns.value,
    [sharedNames.inner]: inner.value,
    ...(addedUp !== undefined && { product_added: countOf(addedUp.from.shape).value }),
  };
}

/**
 * The same product with its sizes in the uniform, so that one pipeline serves all: products are the longest kernels, and a program has many.
 * Operands that are expressions keep the shapes that they are written for.
 */
export function withSharedSizes(call: ProductCall): ProductCall {
  const shared = (name: keyof typeof sharedNames): Size => ({
    value: call[name].value,
    text: `sizes.${memberOf(sharedNames[name])}`,
  });
  const [rows, columns, inner] = [shared('rows'), shared('columns'), shared('inner')];
  const share = ({ value, transposed }: ProductOperand, outer: Size, isA: boolean): ProductOperand => {
    if (value.kind !== 'stored') return { value, transposed };
    const last = transposed === isA ? [inner, outer] : [outer, inner];
    return { value: { ...value, shape: [...value.shape.slice(0, -2), ...last] }, transposed };
  };
  return { ...call, a: share(call.a, rows, true), b: share(call.b, columns, false), rows, columns, inner };
}

/** Threads that have loaded the same four rows add up, in order; the workgroups of the first columns tell the sums. */
function writeRowTotals(
  module: KernelModule,
  { rows, adds }: ProductCall,
  { tile, splits }: TileChoice,
  target: Stored,
): void {
  const { scope } = module;
  const sharers = tile.rows / 4;
  scope.line('var total = vec4f(0);');
  for (let step = 0; step < loadSteps(tile, tile.rows); step++) {
    scope.line(`tile_a[lane] = total${step};`);
    scope.line('workgroupBarrier();');
    scope.line(
      `if (lane < ${sharers}u) { for (var j = lane; j < ${threadsOf(tile)}u; j += ${sharers}u) { total += tile_a[j]; } }`,
    );
    scope.line('workgroupBarrier();');
  }
  // A folded grid has more workgroups than there are ranges.
  scope.block(`if (b0 == 0u && lane < ${sharers}u && matrix < ${splits}u)`, () => {
    scope.block('for (var j = 0u; j < 4u; j++)', () => {
      scope.line('let r = a0 + lane * 4u + j;');
      scope.line(
        `if (r < ${rows.text}) { ${module.write(target.buffer, 'f32')}[matrix * ${rows.text} + r] ${adds === true ? '+=' : '='} total[j]; }`,
      );
    });
  });
}

function writeAddedUp(module: KernelModule, tile: Tile, { from, to }: NonNullable<ProductCall['addedUp']>): void {
  const { scope } = module;
  const threads = threadsOf(tile);
  const numbers = module.read(from.buffer, 'f32');
  scope.block('if (group == 0u)', () => {
    scope.line('var added = 0.0;');
    scope.line(
      `for (var j = lane; j < sizes.${memberOf('product_added')}; j += ${threads}u) { added += ${numbers}[j]; }`,
    );
    scope.line('tile_a[lane].x = added;');
    scope.line('workgroupBarrier();');
    scope.block('if (lane == 0u)', () => {
      scope.line(`for (var j = 1u; j < ${threads}u; j++) { added += tile_a[j].x; }`);
      scope.line(`${module.write(to.buffer, 'f32')}[0] = added;`);
    });
    scope.line('workgroupBarrier();');
  });
}
