import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { ExpressionWriter } from '../wgsl/expression.ts';
import { countOf, Place } from '../wgsl/place.ts';
import { sameSizes, type Size } from '../wgsl/size.ts';
import { totalsOf, type Expression, type Stored } from '../wgsl/value.ts';

/** A value that gets a buffer of its own. */
export interface MapOutput {
  readonly value: Expression;
  readonly target: Stored;
}

/** Of a workgroup; each makes one element. */
const threads = 256;

/** Whether a value has one element for each row of another one. */
export function isPerRow(shape: readonly Size[], whole: readonly Size[]): boolean {
  return shape.length === 1 && whole.length > 1 && sameSizes(shape, whole.slice(0, 1));
}

/**
 * Several values in one kernel. A thread makes one element of each of as many elements; of values with one element for each row of those
 * it makes that of its own row, and the first thread of a row keeps it. Totals come first, once for each workgroup.
 */
export function mapKernel(symbols: Symbols, outputs: readonly MapOutput[]): Dispatch {
  const module = new KernelModule(symbols);
  const { scope } = module;
  const counts = outputs.map(({ value }) => countOf(value.shape));
  const shapes = outputs.map(({ value }) => value.shape);
  const whole = shapes.find((shape) => !shapes.some((other) => isPerRow(shape, other)))!;
  const most = countOf(whole);
  const writer = new ExpressionWriter(module);
  const totals = new Set(outputs.flatMap(({ value }) => [...totalsOf(value)]));
  if (totals.size > 0) module.shared('added', `array<f32, ${threads}>`);
  for (const total of totals) writeTotal(module, writer, total);
  scope.line(`let i = group * ${threads}u + lane;`);
  scope.line(`if (i >= ${most.text}) { return; }`);
  outputs.forEach(({ value, target }, index) => {
    const out = module.write(target.buffer, target.scalar);
    if (counts[index]!.text === most.text) {
      const place = Place.linear(scope, value.shape, 'i');
      const name = writer.element(value, place);
      scope.line(`${out}[i] = ${name};`);
      writer.made(target.buffer, place.linear, name);
      return;
    }
    const inRow = countOf(whole.slice(1)).text;
    const row = scope.define(`i / ${inRow}`);
    const name = writer.element(value, Place.at(scope, value.shape, [row]));
    scope.line(`if (i % ${inRow} == 0u) { ${out}[${row}] = ${name}; }`);
  });
  const reads = new Set(outputs.flatMap(({ value }) => [...value.reads]));
  return module.finish({
    label: 'map',
    comment: outputs.map(({ value }) => `${value.op} ${shapeText(value)}`).join(', '),
    threads,
    groups: Math.ceil(most.value / threads),
    flops: outputs.reduce((total, { value }, index) => total + value.cost * counts[index]!.value, 0),
    bytes: 4 * (most.value * reads.size + counts.reduce((total, count) => total + count.value, 0)),
  });
}

/** The threads of a workgroup add up all elements, and each of them knows the sum. */
function writeTotal(module: KernelModule, writer: ExpressionWriter, total: Expression): void {
  const { scope } = module;
  const input = total.inputs[0]!;
  const name = scope.fresh();
  scope.line(`var ${name} = 0.0;`);
  scope.block(`for (var r = lane; r < ${countOf(input.shape).text}; r += ${threads}u)`, () => {
    scope.line(`${name} += ${writer.element(input, Place.linear(scope, input.shape, 'r'))};`);
  });
  scope.line(`added[lane] = ${name};`);
  scope.block(`for (var half = ${threads / 2}u; half > 0u; half /= 2u)`, () => {
    scope.line('workgroupBarrier();');
    scope.line('if (lane < half) { added[lane] += added[lane + half]; }');
  });
  scope.line('workgroupBarrier();');
  scope.line(`${name} = added[0];`);
  scope.line('workgroupBarrier();');
  writer.totalled(total, name);
}

/** `[size_n, 384]`. */
export function shapeText({ shape }: { readonly shape: readonly { readonly text: string }[] }): string {
  return `[${shape.map(({ text }) => text.replace(/^sizes\.size_/, '').replace(/u$/, '')).join(', ')}]`;
}
