import type { PageData, PageRow, PageTree } from '../src/page/page-data.ts';
import { byId } from './dom.ts';

/** All that the page shows, in columns. */
export interface Corpus {
  readonly data: PageData;
  readonly rows: readonly PageRow[];
  /** Where documents lie, 0..1 each. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Documents of each topic, by their places. */
  readonly members: readonly number[][];
  /** Colour of each topic on the page as it is now. */
  colours(): readonly string[];
}

const dark = matchMedia('(prefers-color-scheme: dark)');

export function readCorpus(): Corpus {
  const data = JSON.parse(byId('data').textContent!) as PageData;
  const rows = JSON.parse(byId('documents-data').textContent!) as PageRow[];
  const members: number[][] = data.topics.map(() => []);
  rows.forEach((row, index) => members[row[1]]!.push(index));
  const order = leaves(data.tree);
  // Topics that are close in the tree get hues that are close, told apart by lightness.
  const place = data.topics.map((_, topic) => order.indexOf(topic));
  const colour = (topic: number): string => {
    const hue = (25 + (360 * place[topic]!) / order.length) % 360;
    const level = place[topic]! % 3;
    const lightness = dark.matches ? [0.82, 0.68, 0.75][level]! : [0.6, 0.46, 0.53][level]!;
    return `oklch(${lightness} ${level === 1 ? 0.15 : 0.13} ${hue.toFixed(0)})`;
  };
  return {
    data,
    rows,
    x: scaled(rows, 2),
    y: scaled(rows, 3),
    members,
    colours: () => data.topics.map((_, topic) => colour(topic)),
  };
}

function scaled(rows: readonly PageRow[], column: 2 | 3): Float32Array {
  let [least, most] = [Infinity, -Infinity];
  for (const row of rows) [least, most] = [Math.min(least, row[column]), Math.max(most, row[column])];
  const width = most - least || 1;
  return Float32Array.from(rows, (row) => (row[column] - least) / width);
}

/** Topics of a node, from the top down. */
export const leaves = (node: PageTree): number[] =>
  typeof node === 'number' ? [node] : [...leaves(node[0]), ...leaves(node[1])];
