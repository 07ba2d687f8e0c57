import type { PageTree } from '../src/page/page-data.ts';
import { leaves, type Corpus } from './data.ts';
import { byId, svg } from './dom.ts';
import type { Selection } from './selection.ts';

const row = 24;

/** The tree lying down: topics at the right, what joining costs to the left. Returns what marks the chosen ones; it is first drawn when its place has a size. */
export function createTree(
  { data, colours }: Corpus,
  selection: Selection,
  name: (topic: number) => string,
): () => void {
  const place = byId('tree');
  const order = leaves(data.tree);
  const height = row * order.length + 8;
  const most = typeof data.tree === 'number' ? 1 : data.tree[2] || 1;

  function draw(): void {
    const width = Math.max(280, place.clientWidth - 2);
    const names = Math.min(0.62 * width, 420);
    const span = width - names - 24;
    const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'group' });
    const colour = colours();
    const isChosen = (topics: readonly number[]): boolean =>
      selection.topics === undefined || topics.every((topic) => selection.topics!.has(topic));
    const lines: SVGElement[] = [];
    const across = (cost: number): number => 8 + span * (1 - Math.sqrt(cost / most));

    /** Draws a node; returns where it stands. */
    const node = (tree: PageTree): { x: number; y: number; topics: number[] } => {
      if (typeof tree === 'number') {
        const y = row * order.indexOf(tree) + row / 2 + 4;
        const leaf = button([tree], `${name(tree)}: choose this topic`);
        leaf.append(svg('rect', { x: span + 8, y: y - row / 2, width: names + 16, height: row, fill: 'transparent' }));
        leaf.append(svg('circle', { cx: span + 16, cy: y, r: 5, fill: colour[tree]! }));
        const text = svg(
          'text',
          { x: span + 27, y: y + 4, class: isChosen([tree]) ? 'leaf' : 'leaf off' },
          fit(name(tree), names - 14),
        );
        leaf.append(text);
        picture.append(leaf);
        return { x: span + 8, y, topics: [tree] };
      }
      const [first, second] = [node(tree[0]), node(tree[1])];
      const topics = [...first.topics, ...second.topics];
      const x = Math.min(across(tree[2]), first.x - 3, second.x - 3);
      const path = `M${first.x} ${first.y}H${x}V${second.y}H${second.x}`;
      const join = button(topics, `choose these ${topics.length} topics`);
      join.append(
        svg('path', { d: path, class: 'touch' }),
        svg('path', { d: path, class: isChosen(topics) && selection.topics !== undefined ? 'join on' : 'join' }),
      );
      lines.push(join);
      return { x, y: (first.y + second.y) / 2, topics };
    };
    node(data.tree);
    // Inner ones last, so that they lie above those that enclose them.
    picture.prepend(...lines.reverse());
    place.replaceChildren(picture);
  }

  function button(topics: readonly number[], title: string): SVGElement {
    const group = svg('g', { role: 'button', tabindex: 0, 'aria-label': title });
    group.append(svg('title', {}, title));
    group.addEventListener('click', () => selection.choose(topics));
    group.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        selection.choose(topics);
      }
    });
    return group;
  }
  let width = 0;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    draw();
  }).observe(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  let drawn: ReadonlySet<number> | undefined;
  return () => {
    if (drawn === selection.topics) return;
    drawn = selection.topics;
    draw();
  };
}

/** About as much of a text as fits at 13 pixels. */
function fit(text: string, width: number): string {
  const most = Math.max(8, Math.floor(width / 7));
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}\u2026` : text;
}
