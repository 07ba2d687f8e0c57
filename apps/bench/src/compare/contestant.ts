/** What a contestant computes: the training step, the forward pass, or matrix products of the same FLOPs; of codebooks what their sections say. */
export type Work =
  | 'step'
  | 'forward'
  | 'step products'
  | 'forward products'
  | 'nearest codes'
  | 'codebook step'
  | 'encode';

/** Named results of one call from the given inputs, for the comparison before anything is timed. */
export type Results = Readonly<Record<string, number | ArrayLike<number>>>;

/** One way to compute one thing. */
export interface Contestant {
  readonly name: string;
  readonly work: Work;
  /** Whether it is eager PyTorch, of which the best form counts. */
  readonly eager?: boolean;
  /** Most rounds it takes part in; for what would take minutes. */
  readonly rounds?: number;
  /** Results of the first call; undefined for products alone. */
  check?(): Promise<Results>;
  /** One call; milliseconds. */
  time(): Promise<number>;
  dispose(): void;
}

/** Largest difference that a contestant may have from the first one, relative to the largest number of a result. */
const tolerance = 1e-4;

/**
 * The same of a gradient (as Adam's first mean, or as it is): a small difference of sums over all tokens, where float32 in another order differs by
 * 4e-4; another formula would by far more.
 */
const gradientTolerance = 2e-3;
const gradients: readonly string[] = ['mean', 'byTokens', 'byCodes'];

/** @throws Error if two contestants of the same work give different numbers: then their times mean nothing */
export function requireAgreement(contestant: string, results: Results, reference: Results): void {
  for (const [name, expected] of Object.entries(reference)) {
    const actual = results[name];
    if (actual === undefined) throw new Error(`${contestant} gives no ${name}.`);
    const [a, b] = [actual, expected].map((each) => (typeof each === 'number' ? [each] : each)) as [
      ArrayLike<number>,
      ArrayLike<number>,
    ];
    if (a.length !== b.length)
      throw new Error(`${contestant} gives ${a.length} numbers as ${name} instead of ${b.length}.`);
    let [worst, scale] = [0, 0];
    for (let index = 0; index < b.length; index++) {
      const difference = Math.abs(a[index]! - b[index]!);
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
      scale = Math.max(scale, Math.abs(b[index]!));
    }
    if (worst <= (gradients.includes(name) ? gradientTolerance : tolerance) * scale) continue;
    throw new Error(
      `${contestant} differs in ${name} by ${(worst / scale).toExponential(1)} of its largest number; times of different computations are not compared.`,
    );
  }
}
