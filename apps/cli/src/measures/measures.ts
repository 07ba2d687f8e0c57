import type { Backend } from '@ddcl/core/backend';
import type { DdclModel, MeasuredQuantities, Quantities, Stability } from '@ddcl/core/fit';
import type { LabelScores } from './label-scores.ts';

/** The final measurement of a fit. */
export interface FitMeasures extends Quantities {
  readonly backend: string;
  /** Tokens measured. */
  readonly tokens: number;
  /** m, numbers per token. */
  readonly dimension: number;
  /** K. */
  readonly prototypes: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  /** Mean squared distance of the tokens to their mean, trace C. */
  readonly totalVariance: number;
  /** `1 - loss.hard / totalVariance`, the share of it that the nearest prototypes explain: at most 1; null where all tokens are equal. */
  readonly explainedVariance: number | null;
  /** Of the Hessian of the mean loss, which has no unit. */
  readonly stability: Omit<Stability, 'weakest'> & {
    /** What the direction of smallest curvature moves, by row of the model, and why. */
    readonly weakest: Pick<Stability['weakest'], 'prototypes' | 'kind'>;
  };
  /** Agreement with known classes, each 0..1 (ARI from -1). */
  readonly labels?: LabelScores | undefined;
  readonly seconds: number;
}

/**
 * The object that `fit --json` and `measure --json` print; docs/cli.md explains each key.
 */
export function makeMeasures(
  backend: Backend,
  tokens: number,
  model: DdclModel,
  { loss, separation, entropy, used, distinct, perplexity }: MeasuredQuantities,
  { weakest, ...stability }: Stability,
  labels: LabelScores | undefined,
  seconds: number,
): FitMeasures {
  const { dimension, count: prototypes, temperature, criticalTemperature, totalVariance } = model;
  return {
    backend: backend.name,
    tokens,
    dimension,
    prototypes,
    temperature,
    criticalTemperature,
    totalVariance,
    explainedVariance: totalVariance > 0 ? 1 - loss.hard / totalVariance : null,
    loss,
    separation,
    entropy,
    used,
    distinct,
    perplexity,
    stability: { ...stability, weakest: { prototypes: weakest.prototypes, kind: weakest.kind } },
    ...(labels === undefined ? {} : { labels }),
    seconds,
  };
}

export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? Number(value.toPrecision(5)).toString() : value.toExponential(2);
}

/** The share of the variance that is explained, for people. */
export const formatExplained = ({ explainedVariance }: FitMeasures): string =>
  explainedVariance === null ? 'none: all tokens are equal' : `${(100 * explainedVariance).toFixed(2)} %`;

/** The measures as aligned lines for a terminal. */
export function formatMeasures(measures: FitMeasures): string {
  const { loss, separation, stability, labels } = measures;
  const rows: [string, string][] = [
    [
      'tokens',
      `${measures.tokens} of dimension ${measures.dimension}, ${measures.prototypes} prototypes, backend ${measures.backend}`,
    ],
    [
      'temperature',
      `${short(measures.temperature)} (critical ${short(measures.criticalTemperature)}, ratio ${short(measures.temperature / measures.criticalTemperature)})`,
    ],
    [
      'loss L_q',
      `${short(loss.lq)} = L_OLS ${short(loss.lols)} + V ${short(loss.v)} (defect ${loss.defect.toExponential(1)})`,
    ],
    ['hard error', short(loss.hard)],
    ['variance', `${short(measures.totalVariance)}, explained by the prototypes ${formatExplained(measures)}`],
    ['separation', `mean ${short(separation.mean)}, smallest ${short(separation.min)}`],
    [
      'prototypes',
      `used ${short(100 * measures.used)} %, distinct ${measures.distinct} of ${measures.prototypes}, perplexity ${short(measures.perplexity)}`,
    ],
    ['entropy', `${short(measures.entropy)} nats`],
    [
      'stability',
      `Hessian eigenvalues ${short(stability.lambdaMin)} to ${short(stability.lambdaMax)}, largest safe rate ${short(stability.maxLearningRate)} (plain gradient descent)`,
    ],
    [
      '',
      `curvature ${short(stability.curvature.smallest)} to ${short(stability.curvature.largest)} of what undivided tokens give, on ${stability.sampled ? 'a sample of ' : ''}${stability.tokens} tokens`,
    ],
  ];
  if (labels !== undefined)
    rows.push(['labels', `ACC ${labels.acc.toFixed(4)}, NMI ${labels.nmi.toFixed(4)}, ARI ${labels.ari.toFixed(4)}`]);
  rows.push(['seconds', short(measures.seconds)]);
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n');
}
