/** Inner product of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** `y += factor * x`, in place. */
export function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i += 1) y[i] = (y[i] as number) + factor * (x[i] as number);
}

/** Euclidean length; scaled by the largest entry, so that squares neither overflow nor vanish. */
export function norm(x: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < x.length; i += 1) largest = Math.max(largest, Math.abs(x[i] as number));
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) {
    const scaled = (x[i] as number) / largest;
    sum += scaled * scaled;
  }
  return largest * Math.sqrt(sum);
}

/**
 * Takes from `x`, in place, its components along orthonormal vectors. Done twice, which makes the rest
 * orthogonal to rounding ("twice is enough": B. Parlett, *The Symmetric Eigenvalue Problem*, 6.9).
 */
export function orthogonalise(x: Float64Array, ...bases: readonly (readonly Float64Array[])[]): void {
  for (let pass = 0; pass < 2; pass += 1) {
    for (const basis of bases) for (const vector of basis) addScaled(x, -dot(vector, x), vector);
  }
}
