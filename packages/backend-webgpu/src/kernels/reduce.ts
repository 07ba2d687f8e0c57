import type { Stored, Value } from '../wgsl/value.ts';
import { costOf, readsOf } from '../wgsl/value.ts';
import { ExpressionWriter } from '../wgsl/expression.ts';
import { KernelModule, type Dispatch, type Symbols } from '../wgsl/module.ts';
import { countOf, Place } from '../wgsl/place.ts';
import { literal, type Size } from '../wgsl/size.ts';
import { shapeText } from './map.ts';

export type Reduction = 'sum' | 'max' | 'argMax';

/** What a reduction is asked. */
export interface ReduceCall {
  readonly op: Reduction;
  readonly input: Value;
  /** Axes that disappear, ascending. */
  readonly axes: readonly number[];
}

/** Threads of a workgroup. */
const threads = 256;
/** Fewer workgroups than this leave most of a card idle, so that a long reduction is cut. */
const fewGroups = 64;

/** How the work is shared out; decided by the sizes of this plan alone, so that its results repeat bit by bit. */
export interface ReduceShape {
  /** Threads for one result, a power of two. */
  readonly lanes: number;
  /** Ranges that the reduced elements are cut into, each with a partial result of its own. */
  readonly parts: number;
}

/** `kept` results of `reduced` elements each; `contiguous` if the elements of one lie side by side. */
export function chooseReduceShape(op: Reduction, kept: number, reduced: number, contiguous: boolean): ReduceShape {
  const wanted = contiguous ? reduced / 2 : reduced / 16;
  const most = kept >= 65_536 && !contiguous ? 4 : threads;
  const lanes = Math.min(most, 2 ** Math.max(0, Math.ceil(Math.log2(wanted))));
  const groups = Math.ceil((kept * lanes) / threads);
  if (op === 'argMax' || groups >= fewGroups || reduced < 4096) return { lanes, parts: 1 };
  return { lanes, parts: Math.max(1, Math.min(Math.ceil(fewGroups / groups), Math.floor(reduced / 2048))) };
}

/** Axes as those of the result and those that disappear. */
export function splitAxes({ input, axes }: ReduceCall): {
  readonly kept: Size;
  readonly reduced: Size;
  readonly contiguous: boolean;
} {
  const { shape } = input;
  const last = shape.findLastIndex(({ value }) => value > 1);
  return {
    kept: countOf(shape.filter((_, axis) => !axes.includes(axis))),
    reduced: countOf(axes.map((axis) => shape[axis]!)),
    contiguous: last < 0 || axes.includes(last),
  };
}

/**
 * One result per combination of the kept axes. With several parts the target is `[parts, kept]`, and a second reduction over the first axis
 * ends the work; a sum may add to what the target holds. Ties of argMax go to the lowest index: lanes take every n-th element, and among equals the tree prefers the lower one.
 */
export function reduceKernel(
  symbols: Symbols,
  call: ReduceCall,
  { lanes, parts }: ReduceShape,
  target: Stored,
  adds = false,
): Dispatch {
  const { op, input, axes } = call;
  const { kept, reduced, contiguous } = splitAxes(call);
  const module = new KernelModule(symbols);
  const { scope } = module;
  const writer = new ExpressionWriter(module);
  const { scalar } = input;
  const outputs = threads / lanes;
  const perPart = parts === 1 ? reduced.text : `((${reduced.text} + ${parts - 1}u) / ${parts}u)`;

  scope.line(`let own = ${contiguous ? `lane / ${lanes}u` : `lane % ${outputs}u`};`);
  scope.line(`let first = ${contiguous ? `lane % ${lanes}u` : `lane / ${outputs}u`};`);
  scope.line(`let item = group * ${outputs}u + own;`);
  scope.line(parts === 1 ? 'let o = item;' : `let o = item % ${kept.text};`);
  scope.line(parts === 1 ? 'let begin = 0u;' : `let begin = (item / ${kept.text}) * ${perPart};`);
  scope.line(parts === 1 ? `let end = ${reduced.text};` : `let end = min(begin + ${perPart}, ${reduced.text});`);
  scope.line(`let exists = item < ${parts === 1 ? kept.text : `${kept.text} * ${parts}u`};`);
  scope.line(`var best: ${scalar} = ${op === 'sum' ? `${scalar}(0)` : lowest[scalar]};`);
  if (op === 'argMax') scope.line('var place_of = 0x7fffffffu;');
  scope.block('if (exists)', () => {
    scope.block(`for (var r = begin + first; r < end; r += ${lanes}u)`, () => {
      const keptPlace = Place.linear(
        scope,
        input.shape.filter((_, axis) => !axes.includes(axis)),
        'o',
      ).coordinates;
      const reducedPlace = Place.linear(
        scope,
        axes.map((axis) => input.shape[axis]!),
        'r',
      ).coordinates;
      const coordinates = input.shape.map((_, axis) =>
        axes.includes(axis)
          ? reducedPlace[axes.indexOf(axis)]!
          : keptPlace[axis - axes.filter((each) => each < axis).length]!,
      );
      const element = writer.element(input, Place.at(scope, input.shape, coordinates));
      if (op === 'sum') scope.line(`best += ${element};`);
      else if (op === 'max') scope.line(`best = max(best, ${element});`);
      else scope.line(`if (${element} > best || place_of == 0x7fffffffu) { best = ${element}; place_of = r; }`);
    });
  });
  if (lanes > 1) writeTree(module, call, lanes, contiguous ? 1 : outputs);
  const result = op === 'argMax' ? 'i32(place_of)' : 'best';
  const out = module.write(target.buffer, target.scalar);
  scope.line(`if (exists && first == 0u) { ${out}[item] ${adds ? '+=' : '='} ${result}; }`);
  const items = kept.value * parts;
  return module.finish({
    label: op,
    comment: `over axes ${axes.join(', ')} of ${shapeText(input)}${parts > 1 ? ` in ${parts} parts` : ''}`,
    threads,
    groups: Math.ceil(items / outputs),
    flops: kept.value * reduced.value * (1 + costOf(input)),
    bytes: 4 * (kept.value * reduced.value * readsOf(input).size + items),
  });
}

const lowest = { f32: '-3.4028234663852886e38f', i32: 'i32(-2147483648)' } as const;

/** The lanes of a result meet in shared memory, the upper half with the lower one, until one is left. */
function writeTree(module: KernelModule, { op, input }: ReduceCall, lanes: number, stride: number): void {
  const { scope } = module;
  module.shared('bests', `array<${input.scalar}, ${threads}>`);
  if (op === 'argMax') module.shared('places', `array<u32, ${threads}>`);
  scope.line(`bests[lane] = best;${op === 'argMax' ? ' places[lane] = place_of;' : ''}`);
  scope.block(`for (var half = ${lanes / 2}u; half > 0u; half /= 2u)`, () => {
    scope.line('workgroupBarrier();');
    scope.block('if (first < half)', () => {
      scope.line(`let other = lane + half * ${stride}u;`);
      if (op === 'sum') scope.line('best += bests[other];');
      else if (op === 'max') scope.line('best = max(best, bests[other]);');
      else {
        scope.line(
          'if (places[other] != 0x7fffffffu && (bests[other] > best || place_of == 0x7fffffffu || (bests[other] == best && places[other] < place_of))) {',
        );
        scope.line('  best = bests[other]; place_of = places[other]; }');
        scope.line('places[lane] = place_of;');
      }
      scope.line('bests[lane] = best;');
    });
  });
}

/** Partial results as an operand of the second reduction. */
export function partsAsInput(parts: number, kept: Size, target: Stored): ReduceCall['input'] {
  return { ...target, shape: [literal(parts), kept] };
}
