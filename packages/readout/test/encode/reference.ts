import { residualFloor, type DdclModel } from '@ddcl/core/fit';
import { createRandom } from '@ddcl/core';

/** Tokens of one sequence with their weights, as plain rows. */
export interface PlainSequence {
  readonly tokens: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

const inner = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);
const lengthOf = (a: readonly number[]): number => Math.sqrt(inner(a, a));

/** Everything of docs/math.md section 6 by its definition, in float64, one token after the other. */
export function referenceReadout(
  model: DdclModel,
  { tokens, weights }: PlainSequence,
  temperature = model.temperature,
) {
  const { count: K, dimension: m } = model;
  const p = Array.from({ length: K }, (_, k) => [...model.prototypes.subarray(k * m, (k + 1) * m)]);
  const q = tokens.map((z) => {
    const d = p.map((row) => inner(minus(z, row), minus(z, row)));
    const nearest = Math.min(...d);
    const e = d.map((x) => Math.exp(-(x - nearest) / temperature));
    const total = e.reduce((sum, x) => sum + x, 0);
    return e.map((x) => x / total);
  });
  const outputs = q.map((row) =>
    Array.from({ length: m }, (_, i) => row.reduce((sum, x, k) => sum + x * p[k]![i]!, 0)),
  );
  const total = weights.reduce((sum, x) => sum + x, 0);
  const mass = p.map((_, k) => q.reduce((sum, row, n) => sum + weights[n]! * row[k]!, 0));
  const mean = (rows: readonly (readonly number[])[]): number[] =>
    Array.from({ length: m }, (_, i) => rows.reduce((sum, row, n) => sum + weights[n]! * row[i]!, 0) / total);
  const weighted = (of: (z: readonly number[], k: number) => readonly number[]): number[][] =>
    p.map((_, k) => {
      const rows = tokens.map((z) => of(z, k));
      return Array.from({ length: m }, (_, i) =>
        rows.reduce((sum, row, n) => sum + weights[n]! * q[n]![k]! * row[i]!, 0),
      );
    });
  const residuals = weighted((z, k) => minus(z, p[k]!));
  const floor = residualFloor * total * Math.sqrt(model.totalVariance);
  const intra = residuals.map((row) => row.map((x) => x / Math.max(lengthOf(row), floor)));
  const whole = lengthOf(intra.flat());
  return {
    assignments: q,
    outputs,
    occupancy: mass.map((x) => x / total),
    pooled: mean(outputs),
    summaries: weighted((z) => z).map((row, k) => row.map((x) => x / mass[k]!)),
    mass,
    residuals,
    vlad: intra.map((row) => row.map((x) => x / whole)),
  };
}

/** 1e-5 + 2e-8 max |2 z.p / T|: rounding of the logits in float32 moves assignments by that much. */
export function tolerance(
  model: DdclModel,
  tokens: readonly (readonly number[])[],
  temperature = model.temperature,
): number {
  const { count: K, dimension: m } = model;
  let largest = 0;
  for (const z of tokens)
    for (let k = 0; k < K; k++)
      largest = Math.max(
        largest,
        Math.abs((2 * inner(z, [...model.prototypes.subarray(k * m, (k + 1) * m)])) / temperature),
      );
  return 1e-5 + 2e-8 * largest;
}

/** A model with prototypes among clustered tokens, and sequences of these lengths (0 allowed). */
export function sample(
  lengths: readonly number[],
  { K = 5, m = 7, far = 0, seed = 1, temperature = 0.8, dtype = 'float32' as 'float32' | 'float64' } = {},
): { model: DdclModel; sequences: PlainSequence[] } {
  const random = createRandom(seed);
  const round = dtype === 'float32' ? Math.fround : (x: number): number => x;
  const centre = Array.from({ length: m }, () => far * random.normal());
  const p = Array.from({ length: K }, () => centre.map((c) => round(c + 2 * random.normal())));
  const sequences = lengths.map((length) => ({
    tokens: Array.from({ length }, () => p[random.integer(K)]!.map((x) => round(x + 0.7 * random.normal()))),
    weights: Array.from({ length }, () => 1),
  }));
  const offset = Float64Array.from(centre, (c) => c + 0.1);
  const model: DdclModel = {
    count: K,
    dimension: m,
    dtype,
    prototypes: Float64Array.from(p.flat()),
    temperature,
    criticalTemperature: 40,
    offset,
    scale: 2,
    totalVariance: 4.5 * m,
  };
  return { model, sequences };
}
