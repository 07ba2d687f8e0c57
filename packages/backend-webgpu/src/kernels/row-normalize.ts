import { ExpressionWriter } from '../wgsl/expression.ts';
import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { numberText } from '../wgsl/numbers.ts';
import { countOf, Place } from '../wgsl/place.ts';
import { costOf, readsOf, type Stored, type Value } from '../wgsl/value.ts';
import { shapeText } from './map.ts';
import { chooseReduceShape, splitAxes } from './reduce.ts';

/** What is made of the rows along an axis: all elements that differ in nothing else. */
export type RowCall = {
  readonly input: Value;
  readonly axis: number;
  readonly target: Stored;
} & (
  | { readonly op: 'softmax' | 'logSumExp' }
  | { readonly op: 'layerNorm'; readonly gain: Value; readonly bias: Value; readonly epsilon: number }
);

/** Threads of a workgroup. */
const threads = 256;

/**
 * softmax, logSumExp and layerNorm in one dispatch: the threads of a row go over it twice or three times and meet in shared memory in between,
 * in a tree. The maximum is taken off before exponents; the variance is that of differences from the mean.
 */
export function rowKernel(symbols: Symbols, call: RowCall): Dispatch {
  const { op, input, axis, target } = call;
  const { kept, reduced, contiguous } = splitAxes({ op: 'sum', input, axes: [axis] });
  const { lanes } = chooseReduceShape('sum', kept.value, reduced.value, contiguous);
  const module = new KernelModule(symbols);
  const { scope } = module;
  const writer = new ExpressionWriter(module);
  const rows = threads / lanes;
  const stride = contiguous ? 1 : rows;
  scope.line(`let first = ${contiguous ? `lane % ${lanes}u` : `lane / ${rows}u`};`);
  scope.line(`let row = group * ${rows}u + ${contiguous ? `lane / ${lanes}u` : `lane % ${rows}u`};`);
  scope.line(`let exists = row < ${kept.text};`);
  if (lanes > 1) module.shared('gathered', `array<f32, ${threads}>`);

  /** Statements for each element of a thread: its name, and where it is. */
  const forEach = (body: (element: string, place: Place) => void): void =>
    scope.block('if (exists)', () => {
      scope.block(`for (var r = first; r < ${reduced.text}; r += ${lanes}u)`, () => {
        const others = input.shape.filter((_, other) => other !== axis);
        const own = Place.linear(scope, others, 'row').coordinates;
        const coordinates = [...own.slice(0, axis), 'r', ...own.slice(axis)];
        const place = Place.at(scope, input.shape, coordinates);
        body(writer.element(input, place), place);
      });
    });
  /** What all threads of a row have, together; each of them knows it then. */
  const meet = (name: string, own: string, join: (a: string, b: string) => string): void => {
    if (lanes === 1) return scope.line(`let ${name} = ${own};`);
    scope.line(`gathered[lane] = ${own};`);
    scope.block(`for (var half = ${lanes / 2}u; half > 0u; half /= 2u)`, () => {
      scope.line('workgroupBarrier();');
      const joined = join('gathered[lane]', `gathered[lane + half * ${stride}u]`);
      scope.line(`if (first < half) { gathered[lane] = ${joined}; }`);
    });
    scope.line('workgroupBarrier();');
    scope.line(`let ${name} = gathered[lane - first * ${stride}u];`);
    scope.line('workgroupBarrier();');
  };
  const sum = (a: string, b: string): string => `${a} + ${b}`;
  const out = module.write(target.buffer, 'f32');

  if (call.op === 'layerNorm') {
    scope.line('var total = 0.0; var spread = 0.0;');
    forEach((x) => scope.line(`total += ${x};`));
    meet('sum', 'total', sum);
    scope.line(`let mean = sum / f32(${reduced.text});`);
    forEach((x) => scope.line(`spread += (${x} - mean) * (${x} - mean);`));
    meet('squares', 'spread', sum);
    scope.line(`let deviation = sqrt(squares / f32(${reduced.text}) + ${numberText('f32', call.epsilon)});`);
    forEach((x, place) => {
      const [gain, bias] = [call.gain, call.bias].map((each) => writer.element(each, place.ofOperand(each.shape)));
      scope.line(`${out}[${place.linear}] = (${x} - mean) / deviation * ${gain} + ${bias};`);
    });
  } else {
    scope.line('var most = -3.4028234663852886e38f; var total = 0.0;');
    forEach((x) => scope.line(`most = max(most, ${x});`));
    meet('high', 'most', (a, b) => `max(${a}, ${b})`);
    forEach((x) => scope.line(`total += exp(${x} - high);`));
    meet('sum', 'total', sum);
    if (op === 'logSumExp') scope.line(`if (exists && first == 0u) { ${out}[row] = log(sum) + high; }`);
    else forEach((x, place) => scope.line(`${out}[${place.linear}] = exp(${x} - high) / sum;`));
  }
  const elements = kept.value * reduced.value;
  return module.finish({
    label: op,
    comment: `along axis ${axis} of ${shapeText(input)}, ${lanes} threads a row`,
    threads,
    groups: Math.ceil(kept.value / rows),
    flops: elements * (8 + 3 * costOf(input)),
    bytes: 4 * (elements * readsOf(input).size + countOf(target.shape).value),
  });
}
