// Coefficients of the minimax polynomial in FreeBSD msun / fdlibm `e_log.c` (Sun Microsystems, 1993).
const coefficients = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1,
  1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
] as const;
const ln2High = 6.9314718036912381649e-1;
const ln2Low = 1.90821492927058770002e-10;

/**
 * Natural logarithm of a finite `x > 0`, within 1 unit in the last place.
 *
 * `Math.log` may differ in the last bit between JavaScript engines; this one uses only additions,
 * multiplications and divisions, which IEEE 754 rounds alike everywhere, so random numbers that
 * pass through it are the same on every platform. Method of fdlibm's `log`: `x = 2^k (1 + f)` with
 * `1 + f` in [sqrt(1/2), sqrt(2)), then a polynomial in `s = f / (2 + f)`. The cost grows with `|k|`.
 */
export function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  // Multiplying and halving by powers of two is exact.
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent -= 1;
  }
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  let polynomial = 0;
  for (let i = coefficients.length - 1; i >= 0; i -= 1) polynomial = z * (polynomial + (coefficients[i] as number));
  const half = 0.5 * f * f;
  return exponent * ln2High - (half - (s * (half + polynomial) + exponent * ln2Low) - f);
}
