import { isInside, type PlotWindow } from './plot-window.ts';

/** Tokens of one colour. */
export interface PointGroup {
  readonly name: string;
  /** Index of its hue and symbol. */
  readonly index: number;
  /** Its points in all, drawn or not. */
  readonly tokens: number;
  readonly points: readonly (readonly [number, number])[];
}

/**
 * The groups of a scatter plot.
 *
 * @param members the group of each of the points.
 * @param groups all groups, in the order of their hues.
 * @param points row-major, n x 2.
 * @param chosen the points to draw, as far as the window shows them.
 */
export function pointGroups<G extends string | number>(
  members: ArrayLike<G>,
  groups: readonly G[],
  name: (group: G) => string,
  points: Float64Array,
  chosen: readonly number[],
  window: PlotWindow,
): readonly PointGroup[] {
  const indices = new Map(groups.map((group, index) => [group, index]));
  const tokens = new Array<number>(groups.length).fill(0);
  const drawn = groups.map((): [number, number][] => []);
  for (let at = 0; at < members.length; at += 1) {
    const index = indices.get(members[at] as G) as number;
    tokens[index] = (tokens[index] as number) + 1;
  }
  for (const at of chosen) {
    const [x, y] = [points[2 * at] as number, points[2 * at + 1] as number];
    if (isInside(x, y, window)) (drawn[indices.get(members[at] as G) as number] as [number, number][]).push([x, y]);
  }
  return groups.map((group, index) => ({
    name: name(group),
    index,
    tokens: tokens[index] as number,
    points: drawn[index] as [number, number][],
  }));
}
