/** Coefficients, lowest first, as Horner's scheme. */
function polynomial(variable: string, coefficients: readonly number[]): string {
  return coefficients.reduceRight(
    (rest, value) => (rest === '' ? `${value}f` : `fma(${rest}, ${variable}, ${value}f)`),
    '',
  );
}

// Fitted to the smallest relative error with float64 (Lawson's iteration on Chebyshev nodes), then rounded.
const tanhSmall = [
  1, -0.3333328366279602, 0.13331729173660278, -0.053771842271089554, 0.020763574168086052, -0.005863205064088106,
];
const erfSmall = [
  1.1283791065216064, -0.3761262595653534, 0.11283600330352783, -0.026854444295167923, 0.005189535208046436,
  -0.0008020838140510023, 0.00007889109110692516,
];
const erfcTail = [
  -0.0001575802598381415, 0.28496238589286804, 0.25937899947166443, 0.3488468527793884, -0.1056954562664032,
  0.5657231211662292, -0.4727800488471985, 0.11977778375148773,
];

export type FunctionName = 'hyperbolic_tangent' | 'error_function' | 'half';

/**
 * Functions that a kernel may need beside those of WGSL, by name. The native `tanh` is NaN for large |x| on some drivers and loses its
 * digits near 0 on others; there is no native `erf`. No argument of `exp` here can overflow.
 */
export const functions: Readonly<Record<FunctionName, string>> = {
  /** Within 2 ulp where `exp` is exact, 8 with the worst that WGSL allows. */
  hyperbolic_tangent: `fn hyperbolic_tangent(x: f32) -> f32 {
  let size = min(abs(x), 10.0);
  if (size < 0.6) { let s = size * size; return x * ${polynomial('s', tanhSmall)}; }
  return sign(x) * (1.0 - 2.0 / (exp(2.0 * size) + 1.0));
}`,
  /** Within 3 ulp; e^(-x^2) times a polynomial in 2 / (|x| + 2) beyond 1, and 1 beyond 4. */
  error_function: `fn error_function(x: f32) -> f32 {
  let size = min(abs(x), 4.0);
  let s = size * size;
  if (size < 1.0) { return x * ${polynomial('s', erfSmall)}; }
  let u = 2.0 / (size + 2.0);
  return sign(x) * (1.0 - exp(-s) * ${polynomial('u', erfcTail)});
}`,
  /** Half precision from its bits, exact for all finite numbers, whatever the device does with subnormal ones. */
  half: `fn half(word: u32, odd: u32) -> f32 {
  let bits = (word >> (16u * odd)) & 0xffffu;
  let negative = (bits & 0x8000u) << 16u;
  let size = bits & 0x7fffu;
  if (size >= 0x400u) { return bitcast<f32>(negative | ((size << 13u) + 0x38000000u)); }
  return bitcast<f32>(negative | bitcast<u32>(f32(size) * 5.9604644775390625e-8f));
}`,
};
