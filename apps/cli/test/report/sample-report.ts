import { createRandom } from '@ddcl/core';
import type { HistoryRecord } from '@ddcl/core/fit';
import type { FitReport } from '../../src/report/fit-report.ts';

/** A history that looks like a cooled fit. */
export function sampleHistory(records: number, prototypes: number): HistoryRecord[] {
  return Array.from({ length: records }, (_, index) => {
    const done = records === 1 ? 1 : index / (records - 1);
    const v = prototypes === 1 ? 0 : 4 * done * (1 - done) ** 2;
    const lols = 5 * (1 - done) ** 2 + 0.5;
    return {
      restart: 0,
      step: 4 * index,
      epoch: 2 * index,
      temperature: 12 * 0.9 * (0.01 / 0.9) ** done,
      learningRate: 0.02,
      loss: { lq: lols + v, lols, v, hard: lols, defect: 1e-16 },
      separation: { mean: prototypes === 1 ? 0 : 3 * done, min: prototypes === 1 ? 0 : done },
      entropy: Math.log(prototypes) * (1 - done),
      used: 1,
      distinct: Math.max(1, Math.round(prototypes * done)),
      perplexity: prototypes * 0.9,
    };
  });
}

/** What varies between the tests. */
export interface SampleOptions {
  readonly tokens?: number;
  readonly prototypes?: number;
  readonly records?: number;
  /** Names of classes, dealt to the tokens in turn. */
  readonly classes?: readonly string[];
}

/** A made-up report. */
export function sampleReport({ tokens = 600, prototypes = 4, records = 50, classes }: SampleOptions = {}): FitReport {
  const random = createRandom(7);
  const history = sampleHistory(records, prototypes);
  const labels = classes && Array.from({ length: tokens }, (_, index) => classes[index % classes.length] as string);
  return {
    title: 'A sample',
    measures: {
      ...(history.at(-1) ?? (sampleHistory(1, prototypes)[0] as HistoryRecord)),
      backend: 'cpu',
      tokens,
      dimension: 5,
      prototypes,
      temperature: 0.12,
      criticalTemperature: 12,
      totalVariance: 5,
      explainedVariance: 0.9,
      stability: {
        tokens: 4000,
        sampled: false,
        lambdaMin: 0.08,
        lambdaMax: 1.2,
        maxLearningRate: 1.667,
        curvature: { smallest: 0.4, largest: 1.1 },
        decrease: 1e-6,
        iterations: 40,
        weakest: { prototypes: [0, 1], kind: 'boundary' },
        converged: true,
      },
      ...(labels ? { labels: { acc: 0.91, nmi: 0.8, ari: 0.7 } } : {}),
      seconds: 12.34,
    },
    history,
    projection: {
      points: Float64Array.from({ length: 2 * tokens }, () => random.normal()),
      assignments: Int32Array.from({ length: tokens }, (_, index) => index % prototypes),
      ...(labels ? { labels } : {}),
      prototypes: Float64Array.from({ length: 2 * prototypes }, () => random.normal()),
      explained: [0.6, 0.3],
    },
    settings: { seed: '0', columns: 'a, b' },
    warnings: [],
  };
}
