/** Below this |x| the Taylor series, above it the continued fraction for erfc; both give full double precision. */
const crossover = 2.5;

/** `erf(x) = 2/sqrt(pi) e^(-x^2) sum_n 2^n x^(2n+1) / (2n+1)!!` (Abramowitz, Stegun 7.1.6): all terms have one sign, so nothing cancels. */
function series(x: number): number {
  const square = x * x;
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (2 * square) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * total;
}

/** `erfc(x) = e^(-x^2) / sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))` (Abramowitz, Stegun 7.1.14), from the tail. */
function complement(x: number): number {
  let tail = x;
  for (let n = 60; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

/** The error function, in double precision. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size === 0) return x;
  if (size < crossover) return series(x);
  if (size > 6) return Math.sign(x);
  return Math.sign(x) * (1 - complement(size));
}
