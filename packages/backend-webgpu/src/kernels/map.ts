import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { ExpressionWriter } from '../wgsl/expression.ts';
import { countOf, Place } from '../wgsl/place.ts';
import type { Expression, Stored } from '../wgsl/value.ts';

/** A value that gets a buffer of its own. */
export interface MapOutput {
  readonly value: Expression;
  readonly target: Stored;
}

/** Of a workgroup; each makes one element. */
const threads = 256;

/** Several values of as many elements in one kernel: a thread makes one element of each. */
export function mapKernel(symbols: Symbols, outputs: readonly MapOutput[]): Dispatch {
  const module = new KernelModule(symbols);
  const { scope } = module;
  const count = countOf(outputs[0]!.value.shape);
  scope.line(`let i = group * ${threads}u + lane;`);
  scope.line(`if (i >= ${count.text}) { return; }`);
  const writer = new ExpressionWriter(module);
  for (const { value, target } of outputs) {
    const place = Place.linear(scope, value.shape, 'i');
    const name = writer.element(value, place);
    scope.line(`${module.write(target.buffer, target.scalar)}[i] = ${name};`);
    writer.made(target.buffer, place.linear, name);
  }
  const reads = new Set(outputs.flatMap(({ value }) => [...value.reads]));
  return module.finish({
    label: 'map',
    comment: outputs.map(({ value }) => `${value.op} ${shapeText(value)}`).join(', '),
    threads,
    groups: Math.ceil(count.value / threads),
    flops: outputs.reduce((total, { value }) => total + value.cost * count.value, 0),
    bytes: 4 * count.value * (reads.size + outputs.length),
  });
}

/** `[size_n, 384]`. */
export function shapeText({ shape }: { readonly shape: readonly { readonly text: string }[] }): string {
  return `[${shape.map(({ text }) => text.replace(/^sizes\.size_/, '').replace(/u$/, '')).join(', ')}]`;
}
