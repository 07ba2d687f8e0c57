import { createRandom, type Random } from '@ddcl/core';

export interface PlantedOptions {
  readonly seed: number;
  readonly clusters: number;
  readonly dimension: number;
  readonly tokens: number;
  /** Least distance of two centres, in units of the mean of their standard deviations along their widest axes. */
  readonly separation: number;
  /** Largest cluster over smallest. */
  readonly sizes?: number;
  /** Largest standard deviation over smallest. */
  readonly spreads?: number;
  /** Longest axis over shortest, in every cluster with its own directions. */
  readonly elongation?: number;
}

export interface Planted {
  readonly data: Float32Array;
  readonly labels: Int32Array;
}

function randomRotation(random: Random, m: number): Float64Array[] {
  const rows: Float64Array[] = [];
  while (rows.length < m) {
    const v = Float64Array.from({ length: m }, () => random.normal());
    for (const row of rows) {
      const along = row.reduce((sum, x, i) => sum + x * v[i]!, 0);
      row.forEach((x, i) => (v[i]! -= along * x));
    }
    const length = Math.hypot(...v);
    if (length > 1e-6) rows.push(v.map((x) => x / length));
  }
  return rows;
}

/**
 * Gaussian clusters whose centres lie no closer than `separation`, and no farther than the space needs: they are drawn
 * from a ball that grows until all fit.
 */
export function planted(options: PlantedOptions): Planted {
  const { seed, clusters, dimension: m, tokens, separation, sizes = 1, spreads = 1, elongation = 1 } = options;
  const random = createRandom(seed);
  const geometric = (ratio: number): number[] =>
    Array.from({ length: clusters }, (_, k) => ratio ** (clusters === 1 ? 0 : k / (clusters - 1)));
  const parts = geometric(sizes);
  const total = parts.reduce((sum, part) => sum + part, 0);
  const spread = random.shuffle(geometric(spreads));
  const centres: Float64Array[] = [];
  let radius = separation / 2;
  let misses = 0;
  while (centres.length < clusters) {
    const direction = Float64Array.from({ length: m }, () => random.normal());
    const length = Math.hypot(...direction);
    const far = radius * random.uniform() ** (1 / m);
    const centre = direction.map((x) => (x / length) * far);
    const widest = spread[centres.length]!;
    const fits = centres.every(
      (other, k) => Math.hypot(...other.map((x, i) => x - centre[i]!)) >= (separation * (spread[k]! + widest)) / 2,
    );
    if (fits) centres.push(centre);
    else if (++misses % 50 === 0) radius *= 1.02;
  }
  const rotations = centres.map(() => randomRotation(random, m));
  const axes = Float64Array.from({ length: m }, (_, i) => elongation ** (m === 1 ? 0 : -i / (m - 1)));
  const data = new Float32Array(tokens * m);
  const labels = new Int32Array(tokens);
  for (let n = 0; n < tokens; n++) {
    let left = ((n + 0.5) / tokens) * total;
    let k = 0;
    while (k < clusters - 1 && left > parts[k]!) left -= parts[k++]!;
    labels[n] = k;
    const own = Float64Array.from(centres[k]!);
    for (let i = 0; i < m; i++) {
      const amount = spread[k]! * axes[i]! * random.normal();
      rotations[k]![i]!.forEach((x, j) => (own[j]! += amount * x));
    }
    data.set(own, n * m);
  }
  return { data, labels };
}

/** The twenty sets of the acceptance test: K 2..20, m 2..64, N 1,000..5,000, moderate to clear. */
export const plantedSets: readonly PlantedOptions[] = [
  { seed: 1, clusters: 2, dimension: 2, tokens: 1000, separation: 5 },
  { seed: 2, clusters: 2, dimension: 64, tokens: 1000, separation: 6, sizes: 5, spreads: 2 },
  { seed: 3, clusters: 3, dimension: 3, tokens: 1500, separation: 5, sizes: 5, spreads: 2 },
  { seed: 4, clusters: 3, dimension: 16, tokens: 1000, separation: 5, sizes: 5, elongation: 4 },
  { seed: 5, clusters: 4, dimension: 2, tokens: 2000, separation: 5.5, sizes: 5, spreads: 2 },
  { seed: 6, clusters: 4, dimension: 32, tokens: 1000, separation: 5, sizes: 2, spreads: 2 },
  { seed: 7, clusters: 5, dimension: 5, tokens: 5000, separation: 5, sizes: 5, spreads: 2 },
  { seed: 8, clusters: 5, dimension: 8, tokens: 2000, separation: 6, elongation: 4, spreads: 2 },
  { seed: 9, clusters: 6, dimension: 2, tokens: 3000, separation: 6, sizes: 5, spreads: 2 },
  { seed: 10, clusters: 7, dimension: 64, tokens: 2000, separation: 6, sizes: 5, spreads: 2 },
  { seed: 11, clusters: 8, dimension: 4, tokens: 2000, separation: 5.5, sizes: 5, spreads: 2 },
  { seed: 12, clusters: 8, dimension: 16, tokens: 4000, separation: 5, sizes: 5, spreads: 2 },
  { seed: 13, clusters: 9, dimension: 3, tokens: 2500, separation: 6, elongation: 3, sizes: 2 },
  { seed: 14, clusters: 10, dimension: 10, tokens: 2000, separation: 5, sizes: 5 },
  { seed: 15, clusters: 12, dimension: 2, tokens: 3000, separation: 6, sizes: 3, spreads: 2 },
  { seed: 16, clusters: 12, dimension: 32, tokens: 1500, separation: 6, sizes: 5, spreads: 2 },
  { seed: 17, clusters: 14, dimension: 6, tokens: 3000, separation: 6, elongation: 3, sizes: 5, spreads: 2 },
  { seed: 18, clusters: 16, dimension: 8, tokens: 3000, separation: 5.5, sizes: 5, spreads: 2 },
  { seed: 19, clusters: 20, dimension: 16, tokens: 3000, separation: 5.5, sizes: 5, spreads: 2 },
  { seed: 20, clusters: 20, dimension: 64, tokens: 2500, separation: 6, sizes: 5, spreads: 2 },
];
