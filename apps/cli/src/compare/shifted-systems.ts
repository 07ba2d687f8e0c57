/** How the conjugate gradients ended. */
export interface ShiftedSolutions {
  /** One solution per shift, [size, columns] each. */
  readonly solutions: readonly Float32Array[];
  readonly iterations: number;
  /** Largest residual over the columns for the first shift, relative to the right-hand side. */
  readonly residual: number;
}

/**
 * Solves `(A + s) X = B` for all shifts s at once, for a symmetric positive semidefinite A that is known by its products: conjugate
 * gradients on the Krylov space that all shifts share (Jegerlehner 1996, hep-lat/9612014), one product per iteration.
 *
 * @param product `A X` for X [size, columns]
 * @param right B, [size, columns], row-major
 * @param shifts ascending, > 0; the first one converges last
 */
export async function solveShifted(
  product: (x: Float32Array) => Promise<Float32Array>,
  right: Float32Array,
  columns: number,
  shifts: readonly number[],
  { iterations = 200, tolerance = 1e-3 }: { iterations?: number; tolerance?: number } = {},
): Promise<ShiftedSolutions> {
  const size = right.length / columns;
  const [first = 0] = shifts;
  const r = right.slice();
  const p = right.slice();
  const states = shifts.map((shift) => ({
    shift: shift - first,
    x: new Float32Array(right.length),
    p: right.slice(),
    zeta: new Float64Array(columns).fill(1),
    before: new Float64Array(columns).fill(1),
  }));
  let betaBefore = new Float64Array(columns).fill(1);
  let alpha = new Float64Array(columns);
  let square = columnProducts(r, r, columns);
  const initial = square.slice();
  let residual = 1;
  let made = 0;
  for (; made < iterations && residual > tolerance; made++) {
    const ap = await product(p);
    for (let index = 0; index < ap.length; index++) ap[index]! += first * p[index]!;
    const curvature = columnProducts(p, ap, columns);
    // A column that has converged stands still.
    const beta = square.map((value, c) => (curvature[c]! > 0 && value > 0 ? -value / curvature[c]! : 0));
    const next = states.map(({ shift, zeta, before }) =>
      zeta.map((value, c) => {
        if (beta[c] === 0) return value;
        const below =
          beta[c]! * alpha[c]! * (before[c]! - value) + before[c]! * betaBefore[c]! * (1 - shift * beta[c]!);
        return below === 0 ? 0 : (value * before[c]! * betaBefore[c]!) / below;
      }),
    );
    states.forEach((state, index) => {
      const own = next[index]!.map((value, c) => (state.zeta[c] === 0 ? 0 : (beta[c]! * value) / state.zeta[c]!));
      addScaled(state.x, state.p, own, columns, size, -1);
    });
    addScaled(r, ap, beta, columns, size, 1);
    const squareNext = columnProducts(r, r, columns);
    const alphaNext = squareNext.map((value, c) => (square[c]! > 0 ? value / square[c]! : 0));
    combine(p, r, alphaNext, new Float64Array(columns).fill(1), columns);
    states.forEach((state, index) => {
      const ratio = next[index]!.map((value, c) => (state.zeta[c] === 0 ? 0 : (value / state.zeta[c]!) ** 2));
      // alpha^s = alpha zeta^s_{n+1} beta^s_n / (zeta^s_n beta_n), and beta^s_n / beta_n = zeta^s_{n+1} / zeta^s_n.
      combine(
        state.p,
        r,
        alphaNext.map((value, c) => value * ratio[c]!),
        next[index]!,
        columns,
      );
      state.before = state.zeta;
      state.zeta = next[index]!;
    });
    square = squareNext;
    alpha = alphaNext;
    betaBefore = beta;
    residual = Math.sqrt(
      square.reduce((most, value, c) => Math.max(most, initial[c]! > 0 ? value / initial[c]! : 0), 0),
    );
  }
  return { solutions: states.map(({ x }) => x), iterations: made, residual };
}

/** `a_c . b_c` for each column. */
function columnProducts(a: Float32Array, b: Float32Array, columns: number): Float64Array {
  const products = new Float64Array(columns);
  for (let start = 0; start < a.length; start += columns)
    for (let c = 0; c < columns; c++) products[c]! += a[start + c]! * b[start + c]!;
  return products;
}

/** `x_c += sign scale_c y_c`. */
function addScaled(
  x: Float32Array,
  y: Float32Array,
  scale: Float64Array,
  columns: number,
  size: number,
  sign: number,
): void {
  for (let row = 0, at = 0; row < size; row++)
    for (let c = 0; c < columns; c++, at++) x[at]! += sign * scale[c]! * y[at]!;
}

/** `p_c = own_c p_c + other_c r_c`. */
function combine(p: Float32Array, r: Float32Array, own: Float64Array, other: Float64Array, columns: number): void {
  for (let start = 0; start < p.length; start += columns)
    for (let c = 0; c < columns; c++) p[start + c] = own[c]! * p[start + c]! + other[c]! * r[start + c]!;
}
