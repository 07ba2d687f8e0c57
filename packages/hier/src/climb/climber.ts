import { DdclError } from '@ddcl/core';
import type { ReadDocument } from '../documents/read-documents.ts';
import { createAssigner, type Assigner } from '../level/assigner.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { projector } from '../pass-up/apply-projection.ts';
import { createGroupSums, scaleToLengthOne } from '../pass-up/group-sums.ts';
import { wholeDocument, type ResolvedLevel, type ResolvedPass } from '../spec/resolve.ts';

/** Items of one level in one document. */
export interface LevelItems {
  /** [count, width], valid until the next document. */
  readonly rows: Float32Array | Float64Array;
  readonly count: number;
}

/** Told of each item when it was assigned, from the first level upwards. */
export type VisitItem = (level: number, assigner: Assigner, index: number, nearest: number) => void;

/** Takes documents through the levels that were fitted, one document at a time. */
export interface Climber {
  /**
   * @returns the items that the last of its levels gave, or, if that is the last of all, was given; none for a document without tokens
   * @throws DdclError `data` for boundaries that do not fit
   */
  climb(document: ReadDocument, visit?: VisitItem): LevelItems;
}

/** What one level does to a document's items. */
interface Stage {
  run(items: Rows, document: ReadDocument, visit: VisitItem | undefined): Rows;
}

interface Rows extends LevelItems {
  /** Tokens up to the end of each item. */
  readonly ends: Int32Array;
}

export interface ClimberOptions {
  /** Give the numbers of the last level before they are projected and scaled. Default false. */
  readonly isRaw?: boolean;
}

/** @param fitted the first levels, as many as are fitted */
export function createClimber(
  resolved: readonly ResolvedLevel[],
  fitted: readonly FittedLevel[],
  { isRaw = false }: ClimberOptions = {},
): Climber {
  const stages = fitted.map((level, index) =>
    createStage(resolved[index]!, level, index, isRaw && index === fitted.length - 1),
  );
  return {
    climb(document, visit) {
      let items: Rows = {
        rows: document.tokens,
        count: document.length,
        ends: Int32Array.from({ length: document.length }, (_, index) => index + 1),
      };
      for (const stage of stages) items = stage.run(items, document, visit);
      return items;
    },
  };
}

function createStage(level: ResolvedLevel, { model, projection }: FittedLevel, index: number, isRaw: boolean): Stage {
  const assigner = createAssigner(model);
  const { width, up } = level;
  if (up === undefined) {
    return {
      run(items, _document, visit) {
        for (let item = 0; item < items.count; item++)
          visit?.(index, assigner, item, assigner.assign(items.rows, item * width));
        return items;
      },
    };
  }
  const sums = createGroupSums(model, assigner, up);
  const numbers = new Float64Array(up.numbers);
  const isProjected = !isRaw && projection !== undefined;
  const project = isProjected ? projector(projection) : undefined;
  const finished = isProjected ? new Float64Array(projection.axes.length / up.numbers) : numbers;
  const outWidth = finished.length;
  let rows = new Float32Array(outWidth);
  const finish = (place: number): void => {
    sums.write(numbers);
    project?.(numbers, finished);
    if (!isRaw && up.normalize) scaleToLengthOne(finished, outWidth);
    if ((place + 1) * outWidth > rows.length) {
      const grown = new Float32Array(2 * rows.length);
      grown.set(rows);
      rows = grown;
    }
    rows.set(finished, place * outWidth);
  };
  return {
    run(items, document, visit) {
      const ends = groupEnds(items, document, up, level.name);
      let item = 0;
      for (let group = 0; group < ends.length; group++) {
        sums.clear();
        for (; item < items.count && items.ends[item]! <= ends[group]!; item++) {
          const nearest = assigner.assign(items.rows, item * width);
          sums.add();
          visit?.(index, assigner, item, nearest);
        }
        finish(group);
      }
      return { rows, count: ends.length, ends };
    },
  };
}

/** Tokens up to the end of each group that has items. */
export function groupEnds(
  items: Pick<Rows, 'ends' | 'count'>,
  document: ReadDocument,
  { group }: ResolvedPass,
  level: string,
): Int32Array {
  if (items.count === 0) return new Int32Array(0);
  if (group === wholeDocument) return Int32Array.of(document.length);
  const lengths = document.group(group);
  const ends: number[] = [];
  let [end, item] = [0, 0];
  for (let part = 0; part < lengths.length; part++) {
    if (lengths[part] === 0) continue;
    end += lengths[part]!;
    while (item < items.count && items.ends[item]! < end) item++;
    if (items.ends[item] !== end) {
      throw new DdclError(
        'data',
        `A group '${group}' of document '${document.id}' ends after ${end} tokens, within an item of level '${level}'. Groups of a level must be made of whole items.`,
      );
    }
    ends.push(end);
  }
  return Int32Array.from(ends);
}
