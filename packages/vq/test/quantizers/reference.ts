/** Quantizers by plain loops in float64, written apart from the package: vectors are lists of lists. */
export type Rows = readonly (readonly number[])[];

export const rowsOf = (flat: readonly number[], width: number): number[][] =>
  Array.from({ length: flat.length / width }, (_, row) => flat.slice(row * width, (row + 1) * width));

export const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
export const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);
export const scaled = (a: readonly number[], by: number): number[] => a.map((x) => x * by);
export const unit = (a: readonly number[]): number[] => scaled(a, 1 / Math.sqrt(dot(a, a)));

/** The nearest code, the lowest at a tie. */
export function nearestIndex(z: readonly number[], codes: Rows): number {
  let best = 0;
  codes.forEach((code, k) => {
    if (distance(z, code) < distance(z, codes[best]!)) best = k;
  });
  return best;
}

/** Sum over tokens of weight times value, per unit of weight. */
export function mean(weights: readonly number[], of: (n: number) => number): number {
  let [sum, total] = [0, 0];
  weights.forEach((a, n) => {
    if (a === 0) return;
    sum += a * of(n);
    total += a;
  });
  return sum / total;
}

export const upstreamSum = (weights: readonly number[], upstream: Rows, y: (n: number) => readonly number[]): number =>
  weights.reduce((sum, a, n) => (a === 0 ? sum : sum + dot(upstream[n]!, y(n))), 0);

export function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - highest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
}

export const mixture = (q: readonly number[], codes: Rows): number[] =>
  codes[0]!.map((_, axis) => q.reduce((sum, share, k) => sum + share * codes[k]![axis]!, 0));

/** `s R z` of the rotation trick as the product with a matrix that is made at `z0` and `h0` and stays. */
export function rotationMatrix(z0: readonly number[], h0: readonly number[]): number[][] {
  const [u, v] = [unit(z0), unit(h0)];
  const between = u.map((x, i) => x + v[i]!);
  const length = Math.sqrt(dot(between, between));
  const w = scaled(between, 1 / length);
  const s = Math.sqrt(dot(h0, h0) / dot(z0, z0));
  // I - 2 w w^T + 2 v u^T.
  return u.map((_, i) => u.map((_each, j) => s * ((i === j ? 1 : 0) - 2 * w[i]! * w[j]! + 2 * v[i]! * u[j]!)));
}

export const product = (matrix: Rows, x: readonly number[]): number[] => matrix.map((row) => dot(row, x));

/** Running averages after a batch: shares and sums by code. */
export function averagesOf(
  { z, weights, indices }: { z: Rows; weights: readonly number[]; indices: readonly number[] },
  before: { codes: Rows; mass: readonly number[]; sums: Rows },
  decay: number,
): { codes: number[][]; mass: number[]; sums: number[][] } {
  const total = weights.reduce((a, b) => a + b, 0);
  const mass = before.mass.map((old, k) => {
    const n = weights.reduce((sum, a, row) => sum + (indices[row] === k ? a : 0), 0) / total;
    return decay * old + (1 - decay) * n;
  });
  const sums = before.sums.map((old, k) =>
    old.map((value, axis) => {
      const s = weights.reduce((sum, a, row) => sum + (indices[row] === k ? a * z[row]![axis]! : 0), 0) / total;
      return decay * value + (1 - decay) * s;
    }),
  );
  const codes = before.codes.map((code, k) => (mass[k]! < 1e-9 ? [...code] : scaled(sums[k]!, 1 / mass[k]!)));
  return { codes, mass, sums };
}

/** `|z - h|^2` per component. */
export const perComponent = (a: readonly number[], b: readonly number[]): number =>
  dot(minus(a, b), minus(a, b)) / a.length;
