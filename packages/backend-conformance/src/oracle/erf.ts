/** 2/sqrt(pi) exp(-x^2) sum 2^k x^(2k+1) / (2k+1)!!: all terms have one sign, so nothing cancels. */
function series(x: number): number {
  let [term, total] = [x, x];
  for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(total); k++) total += term *= (2 * x * x) / (2 * k + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** The complement for x >= 2 by its continued fraction x + (1/2)/(x + 1/(x + (3/2)/(x + ...))), from the inside out. */
function complement(x: number): number {
  let tail = x;
  for (let k = 60; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}

/**
 * The error function in double precision. From 2 on it is 1 minus a complement under 0.005, so the rounding of x^2 in the
 * exponent, which the series would multiply by x^2, does not show.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === 0 || Math.abs(x) < 2) return x === 0 ? x : series(x);
  return Math.sign(x) * (Math.abs(x) > 6 ? 1 : 1 - complement(Math.abs(x)));
}
