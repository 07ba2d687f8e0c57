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

/** This backend's own timing is the first of its work. */
function own(comparison: ShapeComparison, work: Timing['work']): number {
  return timingsOf(comparison, work)[0]!.milliseconds.median;
}

function best(timings: readonly Timing[]): number | undefined {
  return timings.length === 0 ? undefined : Math.min(...timings.map(({ milliseconds }) => milliseconds.median));
}

export function ratiosOf(comparison: ShapeComparison): Ratios {
  const [step, forward] = [own(comparison, 'step'), own(comparison, 'forward')];
  const eagerForms = timingsOf(comparison, 'step').filter((timing) => timing.eager);
  const eager = best(eagerForms);
  const autograd = best(eagerForms.filter(({ name }) => name.includes('autograd')));
  const sdpa = best(timingsOf(comparison, 'forward').filter(({ name }) => name.includes('SDPA')));
  return {
    stepOverAutograd: autograd === undefined ? undefined : autograd / step,
    stepOverTorch: eager === undefined ? undefined : eager / step,
    stepOfRoofline: own(comparison, 'step products') / step,
    forwardOverSdpa: sdpa === undefined ? undefined : sdpa / forward,
    forwardOfRoofline: own(comparison, 'forward products') / forward,
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
