import { isPerRow, mapKernel, type MapOutput } from '../kernels/map.ts';
import type { Dispatch, Symbols } from '../wgsl/module.ts';
import { countOf } from '../wgsl/place.ts';
import { sameSizes, type Size } from '../wgsl/size.ts';
import type { BufferId, Expression, Value } from '../wgsl/value.ts';

/** Values that will be made by one kernel: of as many elements, or one for each row of the others. */
interface Group {
  readonly outputs: MapOutput[];
}

/** Whether one kernel can make a value with those of a group. */
function fitsTogether({ outputs }: Group, shape: readonly Size[]): boolean {
  return outputs.every(({ value }) => {
    const isAlike = countOf(value.shape).text === countOf(shape).text;
    return isAlike || isPerRow(value.shape, shape) || isPerRow(shape, value.shape);
  });
}

/**
 * Elementwise values that wait for their kernel: those with as many elements share one. No waiting group needs what another one makes;
 * within a group a value may need another one's element of the same place, which the thread has just made.
 */
export class MapGroups {
  readonly #symbols: Symbols;
  readonly #mostBindings: number;
  readonly #emit: (dispatch: Dispatch) => void;
  readonly #waiting: Group[] = [];
  readonly #groupOf = new Map<BufferId, Group>();

  constructor(symbols: Symbols, mostBindings: number, emit: (dispatch: Dispatch) => void) {
    this.#symbols = symbols;
    this.#mostBindings = mostBindings;
    this.#emit = emit;
  }

  add(output: MapOutput): void {
    const group = this.#waiting.find((each) => fitsTogether(each, output.value.shape));
    for (const buffer of output.value.reads) {
      const producer = this.#groupOf.get(buffer);
      if (producer === undefined) continue;
      if (producer !== group || !readsInPlace(output.value, buffer)) this.#flushGroup(producer);
    }
    const joined =
      group !== undefined && this.#waiting.includes(group) && this.#fits(group, output) ? group : undefined;
    if (joined === undefined && group !== undefined && this.#waiting.includes(group)) this.#flushGroup(group);
    const chosen = joined ?? { outputs: [] };
    if (joined === undefined) this.#waiting.push(chosen);
    chosen.outputs.push(output);
    this.#groupOf.set(output.target.buffer, chosen);
  }

  /** Makes what is waiting and about to be read. */
  flush(buffers: Iterable<BufferId>): void {
    for (const buffer of buffers) {
      const group = this.#groupOf.get(buffer);
      if (group !== undefined) this.#flushGroup(group);
    }
  }

  flushAll(): void {
    while (this.#waiting.length > 0) this.#flushGroup(this.#waiting[0]!);
  }

  #fits(group: Group, output: MapOutput): boolean {
    const outputs = [...group.outputs, output];
    const made = new Set(outputs.map(({ target }) => target.buffer));
    const reads = new Set(outputs.flatMap(({ value }) => [...value.reads]).filter((buffer) => !made.has(buffer)));
    return reads.size + outputs.length <= this.#mostBindings;
  }

  #flushGroup(group: Group): void {
    this.#waiting.splice(this.#waiting.indexOf(group), 1);
    for (const { target } of group.outputs) this.#groupOf.delete(target.buffer);
    this.#emit(mapKernel(this.#symbols, group.outputs));
  }
}

/** Whether an expression reads a buffer only at its own place, counted in row-major order. */
function readsInPlace(value: Expression, buffer: BufferId): boolean {
  const visit = (each: Value, isInPlace: boolean): boolean => {
    if (each.kind === 'stored') return each.buffer !== buffer || isInPlace;
    if (!each.reads.has(buffer)) return true;
    switch (each.op) {
      case 'transpose':
      case 'slice':
      case 'concat':
      case 'gather':
      case 'parts':
        return false;
      case 'reshape':
        return each.inputs.every((input) => visit(input, isInPlace));
      default:
        return each.inputs.every((input) => visit(input, isInPlace && sameSizes(input.shape, each.shape)));
    }
  };
  return visit(value, true);
}
