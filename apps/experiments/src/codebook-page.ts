import { contestants, epochs, stepsPerEpoch, type CodebookRun } from './codebook-runs.ts';
import { spreadOf } from './statistics.ts';
import { formatSpread, markdownTable } from './table.ts';

/** Runs of one contestant at one size. */
interface Group {
  readonly name: string;
  readonly codes: number;
  readonly context: number;
  readonly runs: readonly CodebookRun[];
}

/** By size and context, contestants in their order. */
export function groupRuns(runs: readonly CodebookRun[]): Group[] {
  const keys = [...new Set(runs.map(({ codes, context }) => `${codes} ${context}`))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  return keys.flatMap((key) =>
    contestants.flatMap(({ name }) => {
      const own = runs.filter((run) => run.name === name && `${run.codes} ${run.context}` === key);
      const [codes, context] = key.split(' ').map(Number) as [number, number];
      return own.length === 0 ? [] : [{ name, codes, context, runs: own }];
    }),
  );
}

/** The first epoch from which on every epoch has at least this use; `never`. */
function fullFrom({ epochs: own }: CodebookRun, least: number): string {
  const last = own.findLastIndex(({ use }) => use < least);
  return last === own.length - 1 ? 'never' : String(last + 2);
}

const per = (value: number): number => 1000 * value;

/** A table for each size and context. */
export function codebookTables(runs: readonly CodebookRun[]): string {
  const groups = groupRuns(runs);
  const sections = [...new Set(groups.map(({ codes, context }) => `${codes} ${context}`))].map((key) => {
    const own = groups.filter(({ codes, context }) => `${codes} ${context}` === key);
    const { codes, context } = own[0]!;
    const rows = own.map(({ name, runs: each }) => {
      const lasts = each.map((run) => run.epochs.at(-1)!);
      const softs = lasts.flatMap(({ soft }) => (soft === undefined ? [] : [per(soft)]));
      return [
        name,
        String(each.length),
        each.map((run) => run.epochs[0]!.use.toFixed(3)).join(' '),
        lasts.map(({ use }) => use.toFixed(3)).join(' '),
        each.map((run) => fullFrom(run, codes > 256 ? 0.99 : 1)).join(' '),
        formatSpread(spreadOf(lasts.map(({ perplexity }) => perplexity)), 1),
        formatSpread(spreadOf(lasts.map(({ hard }) => per(hard)))),
        softs.length === 0 ? '' : formatSpread(spreadOf(softs)),
        formatSpread(spreadOf(each.map(({ seconds }) => seconds)), 0),
      ];
    });
    const full = codes > 256 ? 'use >= 0.99 from epoch' : 'full use from epoch';
    return [
      `## K = ${codes}, ${context === 1 ? 'each patch alone' : `${context} x ${context} patches together`}`,
      markdownTable(
        [
          'quantizer',
          'seeds',
          'use after epoch 1',
          'at the end',
          full,
          'perplexity',
          'hard error',
          'soft',
          'processor s',
        ],
        rows,
      ),
    ].join('\n\n');
  });
  return sections.join('\n\n');
}

const colours = [
  '#0b6e99',
  '#d9730d',
  '#6b8e23',
  '#9065b0',
  '#c4554d',
  '#787774',
  '#337ea9',
  '#a67c52',
  '#448361',
  '#b35488',
  '#333333',
];

/** Curves of the mean hard error and the mean use by epoch, for one size and context. */
export function codebookCurves(runs: readonly CodebookRun[], codes: number, context: number): string {
  const groups = groupRuns(runs).filter((group) => group.codes === codes && group.context === context);
  const mean = ({ runs: own }: Group, of: (run: CodebookRun, epoch: number) => number): number[] =>
    Array.from({ length: epochs }, (_, epoch) => own.reduce((sum, run) => sum + of(run, epoch) / own.length, 0));
  const hard = groups.map((group) => mean(group, (run, epoch) => per(run.epochs[epoch]!.hard)));
  const use = groups.map((group) => mean(group, (run, epoch) => run.epochs[epoch]!.use));
  const [lowest, highest] = [
    Math.min(...hard.flat()),
    Math.min(Math.max(...hard.flat()), 2.2 * Math.min(...hard.flat())),
  ];
  const panel = (left: number, title: string, curves: readonly number[][], from: number, to: number): string => {
    const x = (epoch: number): number => left + 40 + (epoch * 300) / (epochs - 1);
    const y = (value: number): number => 30 + (240 * (to - Math.min(value, to))) / (to - from);
    const lines = curves.map(
      (curve, index) =>
        `<polyline fill="none" stroke="${colours[index]}" stroke-width="1.5" points="${curve.map((value, epoch) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
    );
    const ticks = [from, (from + to) / 2, to].map(
      (value) => `<text x="${left + 34}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(2)}</text>`,
    );
    return [
      `<text x="${left + 190}" y="18" text-anchor="middle">${title}</text>`,
      `<rect x="${left + 40}" y="30" width="300" height="240" fill="none" stroke="#bbb"/>`,
      ...ticks,
      ...[1, epochs / 2, epochs].map(
        (epoch) => `<text x="${x(epoch - 1)}" y="286" text-anchor="middle">${epoch}</text>`,
      ),
      ...lines,
    ].join('\n');
  };
  const legend = groups.map(
    ({ name }, index) =>
      `<text x="${50 + 170 * (index % 4)}" y="${310 + 18 * Math.floor(index / 4)}" fill="${colours[index]}">${name}</text>`,
  );
  const height = 320 + 18 * Math.floor((groups.length - 1) / 4);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="720" height="${height}" fill="#fff"/>`,
    panel(0, 'hard error x 1000, by epoch', hard, lowest, highest),
    panel(360, 'use of codes, by epoch', use, 0, 1),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** What was done, for the page. */
export const codebookIntroduction: string = `# Codebooks in an autoencoder of CIFAR-10

The 4,000 images of the training set whose exact pixels are at hand: 3,000 to train on, 1,000 held out. Patches of 4 x 4 pixels (48 numbers), one code each; encoder 48-128-16 and decoder 16-128-48 (GELU), with
context four patches at a time and 192-256-64-256-192. Adam 1e-3 along a cosine, ${epochs} "epochs" of ${stepsPerEpoch} steps of 1,024 random patches, the same for all. Codes start at k-means (k-means++, 10 iterations) on
the latents of 32,768 patches; \`ddcl\` after 100 steps without quantizer, T from 0.05 (K = 64) or 0.02 (K = 1,024) to 0.001 of T_c over 70 % of the steps, noise 1, rate of codes 0.05 or 0.02.
Numbers on the 64,000 patches held out, after each epoch: mean squared error of pixels in 0..1, times 1000, of what is decoded from the *hard* codes; \`use\`: codes that at least one of them has.`;
