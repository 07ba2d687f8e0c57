import { formatExplained, short, type FitMeasures } from '../../../cli/src/measures/measures.ts';

/** The figures of a finished fit, as `ddcl fit` prints them. */
export function showResults(table: HTMLTableElement, measures: FitMeasures): void {
  const { loss, stability } = measures;
  const rows: readonly (readonly [string, string])[] = [
    [
      'vectors',
      `${measures.tokens.toLocaleString('en')} of ${measures.dimension} numbers, ${measures.prototypes} prototypes`,
    ],
    [
      'temperature',
      `${short(measures.temperature)}, ${short(measures.temperature / measures.criticalTemperature)} of T_c`,
    ],
    ['loss L_q', `${short(loss.lq)} = L_OLS ${short(loss.lols)} + V ${short(loss.v)}`],
    ['hard error', short(loss.hard)],
    ['variance explained', formatExplained(measures)],
    [
      'prototypes',
      `used ${(100 * measures.used).toFixed(0)} %, distinct ${measures.distinct} of ${measures.prototypes}, perplexity ${short(measures.perplexity)}`,
    ],
    ['Hessian eigenvalues', `${short(stability.lambdaMin)} to ${short(stability.lambdaMax)}`],
    ['seconds', measures.seconds.toFixed(1)],
    ['backend', measures.backend],
  ];
  table.replaceChildren(
    ...rows.map(([name, value]) => {
      const row = document.createElement('tr');
      const head = Object.assign(document.createElement('th'), { scope: 'row', textContent: name });
      row.append(head, Object.assign(document.createElement('td'), { textContent: value }));
      return row;
    }),
  );
  table.hidden = false;
}
