type Numbers = Float32Array | Float64Array;

/** Inner product of `length` numbers of x from `from` on with those of y from `at` on. Four sums at a time: one alone waits for itself. */
export function inner(x: Numbers, from: number, y: Float64Array, at: number, length: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = length - (length % 4);
  for (let axis = 0; axis < end; axis += 4) {
    a += x[from + axis]! * y[at + axis]!;
    b += x[from + axis + 1]! * y[at + axis + 1]!;
    c += x[from + axis + 2]! * y[at + axis + 2]!;
    d += x[from + axis + 3]! * y[at + axis + 3]!;
  }
  for (let axis = end; axis < length; axis++) a += x[from + axis]! * y[at + axis]!;
  return a + b + (c + d);
}

/** `y -= factor x` on such parts, in place. */
export function subtractScaled(
  y: Float64Array,
  at: number,
  factor: number,
  x: Numbers,
  from: number,
  length: number,
): void {
  const end = length - (length % 4);
  for (let axis = 0; axis < end; axis += 4) {
    y[at + axis]! -= factor * x[from + axis]!;
    y[at + axis + 1]! -= factor * x[from + axis + 1]!;
    y[at + axis + 2]! -= factor * x[from + axis + 2]!;
    y[at + axis + 3]! -= factor * x[from + axis + 3]!;
  }
  for (let axis = end; axis < length; axis++) y[at + axis]! -= factor * x[from + axis]!;
}
