import { DdclError } from '@ddcl/core';
import { requireNumber, requireWhole } from '../checks/require.ts';

/** A topic, or topics taken together. */
export interface TopicNode {
  /** Topics below, ascending. */
  readonly topics: readonly number[];
  /** How much of them there is. */
  readonly mass: number;
  /** What the mean hard error rises by, from that of the topics on their own, when this node and all that were made before it are made; 0 for a topic. */
  readonly height: number;
  /** None, or two: the one with the lower topic first. */
  readonly children: readonly TopicNode[];
}

/** A node while it can still be joined. */
interface OpenNode {
  readonly centre: Float64Array;
  readonly node: TopicNode;
}

/**
 * Joins topics two by two, each time the pair whose union raises the summed squared distance of documents to their prototype least: `a b / (a + b) |p - q|^2` for prototypes p and q of masses a
 * and b (Ward 1963), a union's prototype being the mean by mass. Topics without documents join their nearest for nothing. Time O(K^2) for most prototypes, O(K^3) at worst.
 *
 * @param prototypes [K, width]
 * @param masses documents of each topic, [K], hard or soft
 * @throws DdclError `argument` for another number of topics; `shape` or `data` for numbers that do not fit
 */
export function topicTree(prototypes: ArrayLike<number>, masses: ArrayLike<number>): TopicNode {
  const count = masses.length;
  requireWhole('The number of topics', count, 1);
  const width = prototypes.length / count;
  if (!Number.isSafeInteger(width) || width < 1)
    throw new DdclError(
      'shape',
      `${count} masses need ${count} prototypes of one length, but ${prototypes.length} numbers came.`,
    );
  for (let index = 0; index < prototypes.length; index++)
    if (!Number.isFinite(prototypes[index]))
      throw new DdclError(
        'data',
        `Prototypes must be finite, but topic ${Math.floor(index / width)} has ${prototypes[index]}.`,
      );
  for (let k = 0; k < count; k++)
    if (!(masses[k]! >= 0 && masses[k]! < Infinity))
      throw new DdclError('data', `Masses must be finite and >= 0, but topic ${k} has ${masses[k]}.`);
  const total = Array.from(masses).reduce((sum, mass) => sum + mass, 0);
  const open: (OpenNode | undefined)[] = Array.from({ length: count }, (_, k) => ({
    centre: Float64Array.from({ length: width }, (__, axis) => prototypes[k * width + axis]!),
    node: { topics: [k], mass: masses[k]!, height: 0, children: [] },
  }));
  // The cheapest partner of each node among those after it.
  const partner = open.map((_, k) => cheapest(open, k));
  let height = 0;
  for (let left = count; left > 1; left--) {
    let first = -1;
    open.forEach((node, k) => {
      if (node !== undefined && partner[k]!.with >= 0 && (first < 0 || isLess(partner[k]!, partner[first]!))) first = k;
    });
    const second = partner[first]!.with;
    height += total > 0 ? partner[first]!.cost / total : 0;
    open[first] = join(open[first]!, open[second]!, height);
    open[second] = undefined;
    for (let k = 0; k < count; k++) {
      if (open[k] === undefined) continue;
      if (k === first || partner[k]!.with === first || partner[k]!.with === second) partner[k] = cheapest(open, k);
      else if (k < first) {
        const offer = { with: first, ...price(open[k]!, open[first]!) };
        if (isLess(offer, partner[k]!)) partner[k] = offer;
      }
    }
  }
  return open.find((node) => node !== undefined)!.node;
}

interface Offer {
  readonly with: number;
  readonly cost: number;
  /** Squared; between topics without documents it decides. */
  readonly distance: number;
}

const isLess = (a: Offer, b: Offer): boolean => a.cost < b.cost || (a.cost === b.cost && a.distance < b.distance);

function cheapest(open: readonly (OpenNode | undefined)[], k: number): Offer {
  let best: Offer = { with: -1, cost: Infinity, distance: Infinity };
  for (let other = k + 1; other < open.length; other++) {
    if (open[other] === undefined) continue;
    const offer = { with: other, ...price(open[k]!, open[other]!) };
    if (isLess(offer, best)) best = offer;
  }
  return best;
}

function price(a: OpenNode, b: OpenNode): { cost: number; distance: number } {
  let distance = 0;
  for (let axis = 0; axis < a.centre.length; axis++) distance += (a.centre[axis]! - b.centre[axis]!) ** 2;
  const [x, y] = [a.node.mass, b.node.mass];
  return { cost: x + y > 0 ? ((x * y) / (x + y)) * distance : 0, distance };
}

function join(a: OpenNode, b: OpenNode, height: number): OpenNode {
  const mass = a.node.mass + b.node.mass;
  const share = mass > 0 ? b.node.mass / mass : 0.5;
  return {
    centre: a.centre.map((value, axis) => value + share * (b.centre[axis]! - value)),
    node: {
      topics: [...a.node.topics, ...b.node.topics].sort((i, j) => i - j),
      mass,
      height,
      children: [a.node, b.node],
    },
  };
}

/**
 * The groups of topics when the tree is cut so that `count` are left, by their lowest topics.
 *
 * @throws DdclError `argument` unless 1 <= count <= K
 */
export function cutTree(tree: TopicNode, count: number): (readonly number[])[] {
  const topics = tree.topics.length;
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= topics))
    throw new DdclError(
      'argument',
      `${topics} topics can be merged to a whole number from 1 to ${topics}, but ${count} was asked for.`,
    );
  const nodes = [tree];
  while (nodes.length < count) {
    // Joins that cost nothing share a height; the later one stands above the other.
    let last = 0;
    nodes.forEach((node, index) => {
      const isHigher = node.height > nodes[last]!.height;
      if (node.children.length > 0 && (nodes[last]!.children.length === 0 || isHigher)) last = index;
    });
    nodes.splice(last, 1, ...nodes[last]!.children);
  }
  return nodes.map((node) => node.topics).sort((a, b) => a[0]! - b[0]!);
}

/**
 * How many topics are left when those that are worth less than `price` are taken together: the joins of the tree that cost less are made.
 *
 * @param price share of what all joins cost, which is what the topics take off the hard error, 0..1
 * @throws DdclError `argument` for another price
 */
export function countByPrice(tree: TopicNode, price: number): number {
  requireNumber('price', price, (share) => share >= 0 && share <= 1, 'a share from 0 to 1');
  const heights: number[] = [];
  const open = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.children.length > 0) heights.push(node.height);
    open.push(...node.children);
  }
  heights.sort((a, b) => a - b);
  return 1 + heights.filter((height, join) => height - (heights[join - 1] ?? 0) >= price * tree.height).length;
}
