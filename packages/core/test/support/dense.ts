import { createRandom } from '../../src/random/random.ts';

/** Dense product, for tests. */
export function multiply(matrix: Float64Array, size: number, vector: Float64Array): Float64Array {
  return Float64Array.from({ length: size }, (_, i) =>
    vector.reduce((sum, x, j) => sum + matrix[i * size + j]! * x, 0),
  );
}

/** A symmetric matrix with this spectrum: Householder reflections of a diagonal one, H = I - 2 u u^T. */
export function withSpectrum(spectrum: readonly number[], seed: number): Float64Array {
  const n = spectrum.length;
  const random = createRandom(seed);
  const matrix = new Float64Array(n * n);
  spectrum.forEach((value, i) => (matrix[i * n + i] = value));
  for (let reflection = 0; reflection < 3; reflection += 1) {
    const raw = Float64Array.from({ length: n }, () => random.normal());
    const length = Math.sqrt(raw.reduce((sum, x) => sum + x * x, 0));
    const u = raw.map((x) => x / length);
    const mu = multiply(matrix, n, u);
    const umu = u.reduce((sum, x, i) => sum + x * mu[i]!, 0);
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1)
        matrix[i * n + j]! += 4 * umu * u[i]! * u[j]! - 2 * (u[i]! * mu[j]! + mu[i]! * u[j]!);
    }
  }
  for (let i = 0; i < n; i += 1) for (let j = 0; j < i; j += 1) matrix[j * n + i] = matrix[i * n + j]!;
  return matrix;
}

/** All eigenvalues, ascending, by cyclic Jacobi rotations: another method than the library's. */
export function jacobiEigenvalues(matrix: Float64Array, n: number): number[] {
  const a = matrix.slice();
  for (let sweep = 0; sweep < 30; sweep += 1) {
    for (let p = 0; p < n; p += 1) {
      for (let q = p + 1; q < n; q += 1) {
        if (a[p * n + q] === 0) continue;
        const angle = Math.atan2(2 * a[p * n + q]!, a[q * n + q]! - a[p * n + p]!) / 2;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k += 1) {
          const [x, y] = [a[k * n + p]!, a[k * n + q]!];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (let k = 0; k < n; k += 1) {
          const [x, y] = [a[p * n + k]!, a[q * n + k]!];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  return Array.from({ length: n }, (_, i) => a[i * n + i]!).sort((x, y) => x - y);
}
