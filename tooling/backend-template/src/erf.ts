/** The error function, which JavaScript lacks: its Taylor series (Abramowitz, Stegun 7.1.6), and from 2.5 on a continued fraction (7.1.14). */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size === 0) return x;
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [term, total] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) total += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
  }
  let tail = size;
  for (let n = 60; n >= 1; n--) tail = size + n / 2 / tail;
  return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / tail);
}
