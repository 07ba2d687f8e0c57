import type { MeasuredQuantities, Stability } from '@ddcl/core/fit';
import type { FitMeasures } from '../report/fit-report.ts';

export interface LabelScores {
  readonly acc: number;
  readonly nmi: number;
  readonly ari: number;
}

export interface MeasuresInput {
  readonly backend: string;
  readonly tokens: number;
  readonly dimension: number;
  readonly prototypes: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  readonly quantities: MeasuredQuantities;
  readonly stability: Stability;
  readonly labels: LabelScores | undefined;
  readonly seconds: number;
}

/** The object that `fit --json` and `measure --json` print; docs/cli.md explains each key. */
export function makeMeasures(input: MeasuresInput): FitMeasures {
  const { quantities, stability, labels, ...rest } = input;
  const { loss, separation, entropy, used, distinct, perplexity } = quantities;
  const { lambdaMin, lambdaMax, maxLearningRate } = stability;
  const { backend, tokens, dimension, prototypes, temperature, criticalTemperature, seconds } = rest;
  return {
    backend,
    tokens,
    dimension,
    prototypes,
    temperature,
    criticalTemperature,
    loss,
    separation,
    entropy,
    used,
    distinct,
    perplexity,
    stability: { lambdaMin, lambdaMax, maxLearningRate },
    ...(labels === undefined ? {} : { labels }),
    seconds,
  };
}

function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? Number(value.toPrecision(5)).toString() : value.toExponential(2);
}

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
  ];
  if (labels !== undefined)
    rows.push(['labels', `ACC ${labels.acc.toFixed(4)}, NMI ${labels.nmi.toFixed(4)}, ARI ${labels.ari.toFixed(4)}`]);
  rows.push(['seconds', short(measures.seconds)]);
  return rows.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n');
}

/** What a reader of the figures has to be told. */
export function warningsOf(measures: FitMeasures): string[] {
  const { prototypes, distinct, used, temperature, criticalTemperature, stability } = measures;
  const warnings: string[] = [];
  if (temperature >= criticalTemperature) {
    warnings.push(
      `T = ${short(temperature)} is not below the critical temperature ${short(criticalTemperature)}: at this temperature prototypes collapse into one point.`,
    );
  }
  if (distinct < prototypes) {
    warnings.push(
      `Only ${distinct} of ${prototypes} prototypes are distinct; a lower temperature splits merged ones, or ask for fewer.`,
    );
  }
  if (used < 1)
    warnings.push(
      `${Math.round((1 - used) * prototypes)} of ${prototypes} prototypes are nearest to no token; fit with --restarts, or with fewer prototypes.`,
    );
  if (!(stability.lambdaMin > 0)) {
    warnings.push(
      `The smallest Hessian eigenvalue is ${short(stability.lambdaMin)}: this is no stable minimum of L_q.`,
    );
  }
  return warnings;
}
