import type { HistoryRecord } from '@ddcl/core/fit';
import type { Figure } from './figure.ts';
import type { FitMeasures } from '../measures/measures.ts';
import { lineChart, type LineChart } from './line-chart.ts';

/** The measured quantities over the steps of a fit. `history` is not empty and already thinned. */
export function dynamicsFigures(history: readonly HistoryRecord[], measures: FitMeasures): readonly Figure[] {
  const { prototypes, criticalTemperature } = measures;
  const steps = history.map((record) => record.step);
  const chart = (about: Omit<LineChart, 'steps' | 'scale'> & Partial<LineChart>): Figure =>
    lineChart({ steps, scale: 'linear', ...about });
  const of = (quantity: (record: HistoryRecord) => number): number[] => history.map(quantity);
  return [
    chart({
      id: 'loss',
      title: 'Loss and its two parts',
      caption:
        'The soft quantization error L_q is exactly the reconstruction term L_OLS plus the diversity term V. ' +
        'Look for L_q falling and flattening out, and for V giving way as cooling makes the assignments crisp.',
      lines: [
        { name: 'L_q', values: of((record) => record.loss.lq) },
        { name: 'L_OLS', values: of((record) => record.loss.lols) },
        { name: 'V', values: of((record) => record.loss.v) },
      ],
    }),
    chart({
      id: 'hard',
      title: 'Hard quantization error',
      caption:
        'Mean squared distance from a token to its nearest prototype: what k-means minimises. Look for drops, one ' +
        'for each split of merged prototypes, and a flat end. The axis need not begin at 0.',
      scale: 'close',
      lines: [{ name: 'hard quantization error', values: of((record) => record.loss.hard) }],
    }),
    chart({
      id: 'diversity',
      title: 'Diversity term V',
      caption:
        'How far the prototypes that share a token lie apart. It is never negative: it is 0 when all prototypes ' +
        'coincide (collapse), rises as they separate, and falls towards 0 again as each token settles on one.',
      lines: [{ name: 'V', values: of((record) => record.loss.v) }],
    }),
    chart({
      id: 'separation',
      title: 'Separation of the prototypes',
      caption:
        'Euclidean distance between prototypes, over all pairs. A mean of 0 is collapse. The minimum lifts off 0 ' +
        'only when the last merged pair has split.',
      lines: [
        { name: 'mean distance', values: of((record) => record.separation.mean) },
        { name: 'minimum distance', values: of((record) => record.separation.min) },
      ],
    }),
    chart({
      id: 'entropy',
      title: 'Assignment entropy',
      caption:
        'Undecidedness of a token between prototypes, in nats: ln K when all are equally likely, 0 when one is ' +
        'certain. Look for a fall from near ln K towards 0 as the temperature falls.',
      lines: [{ name: 'entropy', values: of((record) => record.entropy) }],
      reference: prototypes > 1 ? { value: Math.log(prototypes), name: 'ln K' } : undefined,
    }),
    chart({
      id: 'usage',
      title: 'Use of the prototypes',
      caption:
        'Prototypes that are nearest to some token (used), that differ from all others (distinct), and the effective ' +
        'number by how tokens are shared out (perplexity). Only when distinct reaches K is no prototype wasted.',
      lines: [
        { name: 'used', values: of((record) => record.used * prototypes) },
        { name: 'distinct', values: of((record) => record.distinct) },
        { name: 'perplexity', values: of((record) => record.perplexity) },
      ],
      reference: { value: prototypes, name: `K = ${prototypes}` },
    }),
    chart({
      id: 'temperature',
      title: 'Temperature T / T_c',
      caption:
        'Temperature over the critical temperature, logarithmic. Below the line at 1 collapse of all prototypes into ' +
        'one point is unstable, so gradient descent leaves it. Above the line the prototypes would fall together.',
      scale: 'log',
      lines: [{ name: 'T / T_c', values: of((record) => record.temperature / criticalTemperature) }],
      reference: { value: 1, name: 'T = T_c' },
    }),
    chart({
      id: 'learning-rate',
      title: 'Learning rate',
      caption:
        'The rate of the optimiser for the prototypes. A jump in another chart at the same step may come from here ' +
        'rather than from the data.',
      lines: [{ name: 'learning rate', values: of((record) => record.learningRate) }],
    }),
  ];
}
