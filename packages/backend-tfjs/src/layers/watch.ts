import type { TfTensor } from '../tfjs.ts';
import { reportNames, type ReportName } from './reports.ts';
import type { TfjsLayers } from './tf-layers.ts';

/** What a layer's training steps since the last look reported, per unit of token weight. */
export interface StepReports {
  readonly steps: number;
  /** Means over steps, by name of {@link reportNames}. */
  readonly mean: Readonly<Record<ReportName, number>>;
  /** Largest of any step. */
  readonly largest: Readonly<Record<ReportName, number>>;
  /** Share of the tokens' weight that each prototype was nearest to, [books, K], row-major. */
  readonly shares: Float32Array;
}

/** Adds up reports of steps on the device, so that no step waits for numbers. */
export class ReportSums {
  readonly #tf: TfjsLayers;
  #sums: readonly TfTensor[] = [];
  #steps = 0;

  constructor(tf: TfjsLayers) {
    this.#tf = tf;
  }

  add(reports: TfTensor, shares: TfTensor): void {
    const tf = this.#tf;
    const before = this.#sums;
    const [sum, largest, all] = before;
    const next = tf.tidy(() =>
      sum === undefined
        ? [tf.clone(reports), tf.clone(reports), tf.clone(shares)]
        : [tf.add(sum, reports), tf.maximum(largest!, reports), tf.add(all!, shares)],
    );
    this.#sums = next.map((tensor) => tf.keep(tensor));
    before.forEach((tensor) => tensor.dispose());
    this.#steps++;
  }

  /** What was added since the last time; undefined if nothing was. */
  async take(): Promise<StepReports | undefined> {
    const [steps, taken] = [this.#steps, this.#sums];
    if (steps === 0) return undefined;
    [this.#steps, this.#sums] = [0, []];
    const [sum, largest, shares] = await Promise.all(taken.map((tensor) => tensor.data()));
    taken.forEach((tensor) => tensor.dispose());
    const named = (values: ArrayLike<number>, divisor: number) =>
      Object.fromEntries(reportNames.map((name, index) => [name, values[index]! / divisor])) as StepReports['mean'];
    return {
      steps,
      mean: named(sum!, steps),
      largest: named(largest!, 1),
      shares: Float32Array.from(shares!, (value) => value / steps),
    };
  }

  dispose(): void {
    this.#sums.forEach((tensor) => tensor.dispose());
    [this.#steps, this.#sums] = [0, []];
  }
}
