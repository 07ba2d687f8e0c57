import { createAssigner } from '../level/assigner.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { unusedMass } from '../level/move-prototypes.ts';
import type { BornTopic } from './change-log.ts';
import { extraTopic, fewestItems } from '../worth/extra-topic.ts';

/** A topic is born where at least five documents are that it is made from, and five others that it is judged by, and it takes this many times what one more would have taken at the fit off the hard error of all, and this share at least. */
const [timesSpare, leastGain] = [4, 0.01];
/** Of one update. */
const mostBirths = 16;
export interface Births {
  readonly level: FittedLevel;
  readonly born: readonly BornTopic[];
}

/**
 * The last level with a prototype more for each group of documents that it has none for.
 *
 * @param rows items of the update's documents, or a sample of them
 * @param items how many there are
 */
export function giveBirth(
  given: FittedLevel,
  rows: Float32Array | Float64Array,
  items: number,
  spareGain: number,
): Births {
  let level = given;
  let left = rows;
  const born: BornTopic[] = [];
  while (born.length < mostBirths) {
    const extra = extraTopic(left, level.model);
    const part = left.length / rows.length;
    if (extra === undefined || extra.judges < fewestItems) break;
    if (extra.gain * part < Math.max(leastGain, timesSpare * spareGain)) break;
    const documents = extra.share * part * items;
    const free = level.masses.findIndex((mass) => mass < unusedMass);
    const id = free >= 0 ? free : level.model.count;
    level = withPrototype(level, id, extra.point, documents);
    born.push({ id, reused: free >= 0, documents: Math.round(documents), near: extra.near });
    // Whoever has a new topic needs no second: any group gains by being cut in two.
    left = withoutTopic(left, level, id);
  }
  return { level, born };
}

/** The items that are not in a topic. */
function withoutTopic(rows: Float32Array | Float64Array, { model }: FittedLevel, id: number): Float64Array {
  const { dimension } = model;
  const assigner = createAssigner(model);
  const kept: (Float32Array | Float64Array)[] = [];
  for (let start = 0; start < rows.length; start += dimension)
    if (assigner.assign(rows, start) !== id) kept.push(rows.subarray(start, start + dimension));
  const all = new Float64Array(kept.length * dimension);
  kept.forEach((row, index) => all.set(row, index * dimension));
  return all;
}

function withPrototype(
  { model, masses, ...rest }: FittedLevel,
  id: number,
  point: Float64Array,
  mass: number,
): FittedLevel {
  const count = Math.max(model.count, id + 1);
  const prototypes = new Float64Array(count * model.dimension);
  prototypes.set(model.prototypes);
  prototypes.set(
    point.map((value) => (model.dtype === 'float32' ? Math.fround(value) : value)),
    id * model.dimension,
  );
  const all = new Float64Array(count);
  all.set(masses);
  // The update's own documents will pull at it too.
  all[id] = Math.min(1, mass);
  return { ...rest, model: { ...model, count, prototypes }, masses: all };
}
