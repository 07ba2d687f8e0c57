import type { LevelQuantities } from '@ddcl/hier';

/** L_q, L_OLS and V of each level over the epochs of one fit, as a drawing. */
export function dynamicsFigure(history: readonly LevelQuantities[]): string {
  const names = ['lq', 'lols', 'v'] as const;
  const colours = { lq: '#1f77b4', lols: '#d62728', v: '#2ca02c' };
  const levels = [...new Set(history.map(({ level }) => level))];
  const panels = levels.map((level, index) => {
    const own = history.filter((each) => each.level === level);
    const last = Math.max(...own.map(({ epoch }) => epoch));
    const top = Math.max(...own.map(({ lq }) => lq));
    const left = 20 + index * 380;
    const x = (epoch: number): number => left + 40 + (300 * epoch) / last;
    const y = (value: number): number => 270 - (240 * value) / top;
    const lines = names.map(
      (name) =>
        `<polyline fill="none" stroke="${colours[name]}" stroke-width="1.5" points="${own.map((each) => `${x(each.epoch).toFixed(1)},${y(each[name]).toFixed(1)}`).join(' ')}"/>`,
    );
    const ticks = [0, top / 2, top].map(
      (value) => `<text x="${left + 34}" y="${y(value) + 4}" text-anchor="end">${value.toPrecision(2)}</text>`,
    );
    const epochs = [0, last / 2, last].map(
      (epoch) => `<text x="${x(epoch)}" y="286" text-anchor="middle">${epoch.toFixed(0)}</text>`,
    );
    return [
      `<text x="${left + 190}" y="18" text-anchor="middle">level ${level}</text>`,
      `<rect x="${left + 40}" y="30" width="300" height="240" fill="none" stroke="#bbb"/>`,
      ...ticks,
      ...epochs,
      ...lines,
    ].join('\n');
  });
  const legend = names.map(
    (name, index) =>
      `<text x="${60 + index * 90}" y="310" fill="${colours[name]}">${{ lq: 'L_q', lols: 'L_OLS', v: 'V' }[name]}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${40 + levels.length * 380}" height="320" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${[...panels, ...legend].join('\n')}
</svg>
`;
}

/** Colours of a map, told apart by lightness too; more topics than that share them. */
const hues = 20;
const colour = (index: number): string =>
  `hsl(${(index * 137.5) % 360} ${60 + 20 * (index % 2)}% ${35 + 10 * (index % 3)}%)`;

/**
 * Two maps of the same documents beside each other: by their topics, and by their labels.
 *
 * @param positions [documents, 2]
 */
export function mapFigure(
  positions: Float32Array,
  {
    topics,
    labels,
    title,
  }: { readonly topics: ArrayLike<number>; readonly labels: readonly string[]; readonly title: string },
): string {
  const names = [...new Set(labels)].sort();
  const byLabel = labels.map((label) => names.indexOf(label));
  const [xs, ys] = [0, 1].map((axis) => range(positions, axis)) as [Scale, Scale];
  const dots = (left: number, groups: ArrayLike<number>): string[] => {
    const places = new Map<number, string[]>();
    for (let document = 0; document < groups.length; document++) {
      const x = left + 10 + 460 * xs(positions[2 * document]!);
      const y = 500 - 460 * ys(positions[2 * document + 1]!);
      const own = places.get(groups[document]!) ?? [];
      own.push(`M${x.toFixed(0)} ${y.toFixed(0)}h0`);
      places.set(groups[document]!, own);
    }
    return [...places]
      .sort(([a], [b]) => a - b)
      .map(([group, own]) => `<path stroke="${colour(group % hues)}" d="${own.join('')}"/>`);
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" width="980" height="520" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="20">${title}: topics</text>
<text x="500" y="20">the ${names.length} groups</text>
<g fill="none" stroke-width="2.5" stroke-linecap="round" stroke-opacity="0.6">
${[...dots(0, topics), ...dots(490, byLabel)].join('\n')}
</g>
</svg>
`;
}

/** Of a place between the smallest and the largest, 0 to 1. */
type Scale = (value: number) => number;

function range(positions: Float32Array, axis: number): Scale {
  let [low, high] = [Infinity, -Infinity];
  for (let place = axis; place < positions.length; place += 2) {
    low = Math.min(low, positions[place]!);
    high = Math.max(high, positions[place]!);
  }
  return (value) => (value - low) / (high - low || 1);
}
