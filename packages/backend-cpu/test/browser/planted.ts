import { encodeSegments, fit, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { cpuBackend } from '../../src/index.ts';

/** Four clusters, so far apart that at the fitted temperature no token has a measurable share in another one. */
export const centres = [
  [10, 0, 0],
  [0, 10, 0],
  [0, 0, 10],
  [-10, -10, -10],
] as const;
const dimension = 3;

/** Around each centre six tokens, two on each axis at the same distance, so that their mean is the centre itself. */
const around = [0, 1, 2].flatMap((axis) => [0.5, -0.5].map((step) => [0, 1, 2].map((i) => (i === axis ? step : 0))));
/** How many times each sequence holds the six tokens of each centre. */
const rounds = [
  [1, 0, 0, 0],
  [1, 2, 1, 0],
  [0, 1, 3, 4],
] as const;
/** The share of each sequence's tokens around each centre. */
export const shares = rounds.map((row) => row.map((count) => count / row.reduce((a: number, b) => a + b, 0)));

/** Six tokens at a time, with the sequence they belong to. */
const groups = rounds.flatMap((row, id) =>
  row.flatMap((count, k) => Array.from({ length: count }, () => ({ id, centre: centres[k]! }))),
);
const tokens = groups.flatMap(({ centre }) => around.flatMap((step) => centre.map((x, axis) => x + step[axis]!)));
const sequences = groups.flatMap(({ id }) => around.map(() => id));

export interface PlantedFit {
  readonly prototypes: number[];
  readonly temperature: number;
  readonly losses: number[];
  /** [sequences, K] */
  readonly occupancy: number[];
}

/** The fit and its readout as plain numbers, which cross from Node to the browser unchanged. */
export async function fitPlanted(dtype: 'float32' | 'float64'): Promise<PlantedFit> {
  const source = tokensFromReader(tokensFromArray(Float64Array.from(tokens), dimension));
  const backend = cpuBackend();
  const { model, history } = await fit(backend, source, { prototypes: 4, steps: 400, seed: 1, dtype });
  const occupancy: number[] = [];
  for await (const { data } of encodeSegments(backend, model, source, Int32Array.from(sequences), 'occupancy')) {
    occupancy.push(...data);
  }
  return {
    prototypes: Array.from(model.prototypes),
    temperature: model.temperature,
    losses: history.map(({ loss }) => loss.lq),
    occupancy,
  };
}
