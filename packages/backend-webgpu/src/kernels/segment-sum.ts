import { costOf, readsOf, type Stored, type Value } from '../wgsl/value.ts';
import { ExpressionWriter } from '../wgsl/expression.ts';
import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { countOf, Place } from '../wgsl/place.ts';
import { shapeText } from './map.ts';

const threads = 256;
/** Rows that are put in order at once: every row is compared with every other of its piece. */
export const pieceRows = 4096;

/**
 * The stable order of rows by their ids, piece by piece: `order` holds numbers of rows, `sorted` their ids. The rank of a row is how many
 * rows of its piece come before it, so no two rows share one and nothing depends on who comes first.
 */
export function orderKernel(symbols: Symbols, ids: Stored, order: Stored, sorted: Stored): Dispatch {
  const module = new KernelModule(symbols);
  const { scope } = module;
  const n = ids.shape[0]!;
  const source = module.read(ids.buffer, 'i32');
  const [orderOut, sortedOut] = [module.write(order.buffer, 'i32'), module.write(sorted.buffer, 'i32')];
  module.shared('tile', `array<i32, ${threads}>`);
  scope.line(`let i = group * ${threads}u + lane;`);
  scope.line(`let begin = (group * ${threads}u / ${pieceRows}u) * ${pieceRows}u;`);
  scope.line(`let end = min(begin + ${pieceRows}u, ${n.text});`);
  scope.line(`let own = ${source}[min(i, ${n.text} - 1u)];`);
  scope.line('var rank = 0u;');
  scope.block(`for (var t = begin; t < end; t += ${threads}u)`, () => {
    scope.line('workgroupBarrier();');
    scope.line(`tile[lane] = ${source}[min(t + lane, ${n.text} - 1u)];`);
    scope.line('workgroupBarrier();');
    scope.line(`let count = min(${threads}u, end - t);`);
    scope.block('for (var j = 0u; j < count; j++)', () => {
      scope.line('let other = tile[j];');
      scope.line('rank += select(0u, 1u, other < own || (other == own && t + j < i));');
    });
  });
  scope.line(`if (i < ${n.text}) { ${orderOut}[begin + rank] = i32(i); ${sortedOut}[begin + rank] = own; }`);
  return module.finish({
    label: 'order',
    comment: `stable order of ids ${shapeText(ids)}, ${pieceRows} at a time`,
    threads,
    groups: Math.ceil(n.value / threads),
    flops: n.value * Math.min(n.value, pieceRows),
    bytes: 12 * n.value,
  });
}

/** Where the rows of each segment are. */
export interface SegmentOrder {
  /** Ids that never decrease within a piece. */
  readonly sorted: Stored;
  /** The row of each of them; undefined where rows are in order themselves, in one piece. */
  readonly order: Stored | undefined;
}

/** Sums of the rows of each segment, or those added to what the target holds: a workgroup has one segment and some columns, and adds rows in their order. */
export function segmentSumKernel(
  symbols: Symbols,
  values: Value,
  { sorted, order }: SegmentOrder,
  target: Stored,
  adds = false,
): Dispatch {
  const module = new KernelModule(symbols);
  const { scope } = module;
  const writer = new ExpressionWriter(module);
  const n = values.shape[0]!;
  const segments = target.shape[0]!;
  const width = countOf(values.shape.slice(1));
  const columns = Math.min(64, 2 ** Math.ceil(Math.log2(width.value)));
  const lanes = threads / columns;
  const ids = module.read(sorted.buffer, 'i32');
  const { scalar } = values;
  module.define(
    'first_of',
    `fn first_of(id: i32, begin: u32, end: u32) -> u32 {
  var low = begin; var high = end;
  while (low < high) { let middle = (low + high) / 2u; if (${ids}[middle] < id) { low = middle + 1u; } else { high = middle; } }
  return low;
}`,
  );
  module.shared('sums', `array<${scalar}, ${threads}>`);
  const blocks = `((${width.text} + ${columns - 1}u) / ${columns}u)`;
  scope.line(`let segment = group / ${blocks};`);
  scope.line(`let column = (group % ${blocks}) * ${columns}u + lane % ${columns}u;`);
  scope.line(`let exists = segment < ${segments.text} && column < ${width.text};`);
  scope.line(`var total = ${scalar}(0);`);
  const addRows = (begin: string, end: string): void => {
    scope.line(`let last = first_of(i32(segment) + 1i, ${begin}, ${end});`);
    scope.block(
      `for (var at = first_of(i32(segment), ${begin}, ${end}) + lane / ${columns}u; at < last; at += ${lanes}u)`,
      () => {
        const row = order === undefined ? 'at' : scope.define(`u32(${module.read(order.buffer, 'i32')}[at])`);
        const rest = Place.linear(scope, values.shape.slice(1), 'column').coordinates;
        scope.line(`total += ${writer.element(values, Place.at(scope, values.shape, [row, ...rest]))};`);
      },
    );
  };
  scope.block('if (exists)', () => {
    if (order === undefined) addRows('0u', n.text);
    else {
      scope.block(`for (var piece = 0u; piece < ${n.text}; piece += ${pieceRows}u)`, () => {
        scope.line(`let end = min(piece + ${pieceRows}u, ${n.text});`);
        addRows('piece', 'end');
      });
    }
  });
  scope.line('sums[lane] = total;');
  scope.line('workgroupBarrier();');
  scope.block(`if (exists && lane < ${columns}u)`, () => {
    scope.line(`for (var j = 1u; j < ${lanes}u; j++) { total += sums[lane + j * ${columns}u]; }`);
    scope.line(`${module.write(target.buffer, scalar)}[segment * ${width.text} + column] ${adds ? '+=' : '='} total;`);
  });
  const groups = segments.value * Math.ceil(width.value / columns);
  return module.finish({
    label: 'segmentSum',
    comment: `of ${shapeText(values)} to ${shapeText(target)}`,
    threads,
    groups,
    flops: n.value * width.value * (1 + costOf(values)),
    bytes: 4 * (n.value * width.value * readsOf(values).size + segments.value * width.value + 2 * n.value),
  });
}
