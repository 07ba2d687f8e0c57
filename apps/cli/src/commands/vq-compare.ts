import { resolve } from 'node:path';
import { Command } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { choiceList, commandLine, numberList, seedOption, wholeNumber } from '../command-line/options.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { short } from '../measures/measures.ts';
import { documentModes, type DocumentMode } from '../model-folder/model-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { writeWhole } from '../output/write-file.ts';
import { formatShare } from '../report/format-number.ts';
import { markdownTable, renderComparison, type TextTable } from '../report/quantizer-table.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { openForFit } from '../tokens/open-tokens.ts';
import { compareQuantizers, type QuantizerRow } from '../vq/compare-quantizers.ts';
import { contestants, usualContestants, type Contestant } from '../vq/contestants.ts';
import { addStructureOptions, type StructureOptions } from '../vq/spec-options.ts';
import { withCommand } from './with-command.ts';

interface VqCompareOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions, StructureOptions {
  readonly documents?: DocumentMode;
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly quantizers: Contestant[];
  readonly codes: number[];
  readonly vectors: number;
  readonly queries: number;
  readonly steps?: number;
  readonly seed: number;
  readonly backend: string;
  readonly out?: string;
  readonly json?: boolean;
}

const notes = [
  'error: mean squared distance of a vector to that of its codes, on the vectors that were learned from; held out: on queries, which were not.',
  'recall@10: share of the 10 nearest vectors of a query that are among the 10 whose codes are nearest to it; with --groups or --depth.',
  'k-means: 25 iterations and nothing more, what faiss calls PQ; ema-revival: ema that moves codes of less than a tenth of their share.',
];

/** `ddcl vq compare`. */
export function vqCompareCommand(): Command {
  const command = new Command('compare')
    .description('quantizers on your own vectors: error, use, perplexity, bytes, recall')
    .argument('[data...]', 'files of vectors, as for fit')
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command))
    .option('--documents <mode>', `${documentModes.join(' or ')}, as for fit`)
    .option(
      '--codes <list>',
      'numbers of codes',
      numberList((value) => Number.isSafeInteger(value) && value >= 2, 'whole numbers >= 2'),
      [64, 256],
    )
    .option('--quantizers <list>', `some of ${contestants.join(', ')}`, choiceList(contestants), [...usualContestants]);
  addStructureOptions(command)
    .option('--vectors <N>', 'vectors to learn from and to search among, at most', wholeNumber(10), 50_000)
    .option('--queries <N>', 'other vectors that are looked for, at most (and a tenth of all)', wholeNumber(1), 1000)
    .option('--steps <N>', 'steps of each fit, as for fit', wholeNumber(1));
  return addDataOptions(command, 'all', 'its only matrix')
    .option('--standardize', 'give each column mean 0 and deviation 1')
    .option('--normalize', 'give each vector length 1 (after --standardize)')
    .addOption(backendOption())
    .addOption(seedOption())
    .option('--out <file.html>', 'write the table as a page too')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
${notes.join('\n')}

Examples:
  $ ddcl vq compare vectors.npy --codes 64,1024
  $ ddcl vq compare embeddings.npy --codes 256 --groups 48 --quantizers ddcl,k-means --out pq.html`,
    )
    .action((files: string[], options: VqCompareOptions, self: Command) => compareAction(files, options, self));
}

function compareAction(files: string[], options: VqCompareOptions, command: Command): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = options.out && resolve(options.out);
    if (out !== undefined)
      await checkOutFile('--out', out, '.html', [...files, ...(options.text ?? []), options.encoder]);
    const chosen = await scope.backend(options.backend, 'float32');
    const { opened, reader } = await openForFit(files, { ...options, command: 'vq compare', ...scope });
    scope.announce(chosen, Infinity);
    const { quantizers, codes, vectors, queries, steps, seed } = options;
    const warnings: string[] = [];
    const compared = await compareQuantizers({
      backend: chosen.backend,
      reader,
      quantizers,
      codes,
      structure: options,
      vectors,
      queries,
      steps,
      seed,
      signal: scope.signal,
      onProgress: (detail, done) =>
        scope.progress.show({
          phase: 'comparing',
          done: Math.floor(100 * done),
          total: 100,
          unit: 'parts',
          detail,
        }),
      onWarning: (warning) => void warnings.push(warning),
    });
    const table = tableOf(compared.rows);
    if (out !== undefined) {
      const about: [string, string][] = [
        ['Vectors', String(compared.vectors)],
        ['Queries', String(compared.queries)],
        ['Dimension', String(compared.dimension)],
        ['Variance', short(compared.variance)],
        ['Backend', chosen.backend.name],
      ];
      const title = `Quantizers on ${opened.describe()}`;
      await writeWhole(out, renderComparison({ title, about, table, notes, command: commandLine(command) }));
    }
    scope.warn(warnings);
    const counts = `${compared.vectors} vectors of dimension ${compared.dimension}, ${compared.queries} held out; variance ${short(compared.variance)}`;
    scope.print(
      { ...compared, backend: chosen.backend.name, seconds: scope.seconds() },
      `${counts}\n\n${markdownTable(table)}`,
    );
  });
}

function tableOf(rows: readonly QuantizerRow[]): TextTable {
  const head = ['quantizer', 'K', 'bytes', 'error', 'held out', 'explained', 'use', 'dead', 'perplexity'];
  const isSearched = rows.some(({ recall10 }) => recall10 !== null);
  return {
    head: [...head, ...(isSearched ? ['recall@10'] : []), 'seconds'],
    rows: rows.map((row) => [
      row.quantizer,
      String(row.codes),
      String(row.bytesPerVector),
      short(row.error),
      short(row.heldOut),
      formatShare(row.explained),
      formatShare(row.use),
      String(row.dead),
      short(row.perplexity),
      ...(isSearched ? [row.recall10?.toFixed(4) ?? ''] : []),
      row.seconds.toFixed(1),
    ]),
  };
}
