import type { ShapeComparison, Timing } from './compare-shape.ts';

/** The ratios that matter on one shape; undefined where a contestant is missing. Above 1 this backend is faster. */
export interface Ratios {
  /** Median of the best eager PyTorch form with autograd over this backend's. */
  readonly stepOverAutograd: number | undefined;
  /** The same with the closed-form gradient, which PyTorch's users would have to derive and write by hand, among the forms. */
  readonly stepOverTorch: number | undefined;
  /** Median of the matrix products alone over this backend's step: the share of the roofline. */
  readonly stepOfRoofline: number;
  readonly forwardOverSdpa: number | undefined;
  readonly forwardOfRoofline: number;
}

export function timingsOf(comparison: ShapeComparison, work: Timing['work']): readonly Timing[] {
  return comparison.timings.filter((timing) => timing.work === work);
}

/** What of the rounds counts: `median` on a machine as it is, `min` as near as rounds come to a machine of one's own. */
export type Statistic = 'median' | 'min';

/** This backend's own timing is the first of its work. */
function own(comparison: ShapeComparison, work: Timing['work'], of: Statistic): number {
  return timingsOf(comparison, work)[0]!.milliseconds[of];
}

function best(timings: readonly Timing[], of: Statistic): number | undefined {
  return timings.length === 0 ? undefined : Math.min(...timings.map(({ milliseconds }) => milliseconds[of]));
}

export function ratiosOf(comparison: ShapeComparison, of: Statistic = 'median'): Ratios {
  const [step, forward] = [own(comparison, 'step', of), own(comparison, 'forward', of)];
  const eagerForms = timingsOf(comparison, 'step').filter((timing) => timing.eager);
  const eager = best(eagerForms, of);
  const autograd = best(
    eagerForms.filter(({ name }) => name.includes('autograd')),
    of,
  );
  // A query made beforehand is listed, but does not count: this backend gets the tokens as they are.
  const sdpa = best(
    timingsOf(comparison, 'forward').filter(({ name }) => name.includes('SDPA') && !name.includes('beforehand')),
    of,
  );
  return {
    stepOverAutograd: autograd === undefined ? undefined : autograd / step,
    stepOverTorch: eager === undefined ? undefined : eager / step,
    stepOfRoofline: own(comparison, 'step products', of) / step,
    forwardOverSdpa: sdpa === undefined ? undefined : sdpa / forward,
    forwardOfRoofline: own(comparison, 'forward products', of) / forward,
  };
}

/** Geometric mean and least of a ratio over shapes; undefined if any shape lacks it. */
export function over(ratios: readonly Ratios[], name: keyof Ratios): { mean: number; least: number } | undefined {
  const values = ratios.map((each) => each[name]);
  if (values.length === 0 || values.includes(undefined)) return undefined;
  const numbers = values as number[];
  const mean = Math.exp(numbers.reduce((total, value) => total + Math.log(value), 0) / numbers.length);
  return { mean, least: Math.min(...numbers) };
}
