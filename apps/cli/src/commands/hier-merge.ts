import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { mergeShards, shardFromBytes, shardSums, shardToBytes, type ShardPart } from '@ddcl/hier';
import { commandLine, positiveNumber } from '../command-line/options.ts';
import { withFileName } from '../data/data-error.ts';
import { addCorpusOptions, corpusText } from '../hier/corpus-options.ts';
import { loadHierarchy, writeHierarchy } from '../hier/hierarchy-folder.ts';
import { openCorpus, type CorpusOptions } from '../hier/open-corpus.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf, writeWhole } from '../output/write-file.ts';
import { withCommand } from './with-command.ts';
import { readRegular } from '../output/read-file.ts';

interface HierShardOptions extends CorpusOptions {
  readonly part?: ShardPart;
  readonly out: string;
  readonly json?: boolean;
}

interface HierMergeOptions {
  readonly out: string;
  readonly rate: number;
  readonly allowShared?: boolean;
  readonly json?: boolean;
}

const shardExamples = `
Examples:
  $ ddcl hier shard topics part-1.jsonl --out part-1.safetensors     # on any machine that has the model and its part
  $ ddcl hier shard topics part-1.jsonl --part 1/7 --out part-1.safetensors
  $ ddcl hier merge topics part-*.safetensors --out topics-2         # says which of the 7 is missing`;

/** `2/7`. */
function shardPart(text: string): ShardPart {
  const [, number = NaN, of = NaN] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (number >= 1 && number <= of) return { number, of };
  throw new InvalidArgumentError('Expected the number of the part and of all, such as 2/7.');
}

/** `ddcl hier shard`. */
export function hierShardCommand(): Command {
  const command = new Command('shard')
    .description("a worker's part of one full-batch step: sums of its documents, as a small file")
    .argument('<model>', 'folder of ddcl hier fit')
    .argument('<corpus...>', corpusText)
    .requiredOption('--out <file.safetensors>', 'file for the sums (required)');
  return addCorpusOptions(command, true)
    .option('--part <i/n>', 'which part of the corpus this is: a merge then says which parts are missing', shardPart)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', shardExamples)
    .action(hierShardAction);
}

function hierShardAction(folder: string, paths: string[], options: HierShardOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    await checkOutFile('--out', out, '.safetensors', [folder, ...paths, options.encoder]);
    const { hierarchy, config } = await loadHierarchy(resolve(folder));
    const { source, documents, badRows } = await openCorpus(paths, options, scope, config);
    const sums = await shardSums(hierarchy, source, {
      ...(options.part !== undefined && { part: options.part }),
      signal: scope.signal,
      onProgress: (done) => scope.progress.show({ phase: 'adding up', done, total: documents, unit: 'documents' }),
    });
    await writeWhole(out, shardToBytes(sums));
    const measures = { documents: sums.documents, badRows, parent: sums.parent, content: sums.content, out };
    scope.print(
      { ...measures, seconds: scope.seconds() },
      `sums of ${sums.documents} documents for the model ${sums.parent}, written to ${out}`,
    );
  });
}

/** `ddcl hier merge`. */
export function hierMergeCommand(): Command {
  return new Command('merge')
    .description('one full-batch step from the sums of several workers, exactly, in any order')
    .argument('<model>', 'folder that the sums were made with')
    .argument('<shards...>', 'files of ddcl hier shard')
    .requiredOption('--out <folder>', 'folder for the new hierarchy (required); must be new or empty')
    .option('--rate <share>', 'how far prototypes go to the mean of their items, up to 1', positiveNumber, 1)
    .option('--allow-shared', 'let documents count twice that several shards hold')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', shardExamples)
    .action((folder: string, files: string[], options: HierMergeOptions, self: Command) =>
      withCommand(options, async (scope) => {
        const out = resolve(options.out);
        scope.own(await openOutFolder(out), (release) => release());
        const { hierarchy, config } = await loadHierarchy(resolve(folder));
        const shards = await Promise.all(files.map(readShard));
        const warnings: string[] = [];
        const model = mergeShards(hierarchy, shards, {
          rate: options.rate,
          shared: options.allowShared ?? false,
          onWarning: (warning) => void warnings.push(warning),
        });
        scope.warn(warnings);
        const measures = { documents: model.documents, shards: shards.length };
        const { data, text } = config;
        await writeHierarchy(out, model, {
          command: commandLine(self),
          data,
          ...(text !== undefined && { text }),
          fit: { parent: config.command, rate: options.rate },
          measures,
        });
        scope.print(
          { ...measures, out, seconds: scope.seconds() },
          `${shards.length} shards of ${model.documents} documents together, merged and written to ${out}`,
        );
      }),
    );
}

async function readShard(file: string): Promise<ReturnType<typeof shardFromBytes>> {
  const bytes = await readRegular(file).catch((cause: unknown) => {
    throw usageError(`${file} cannot be read (${reasonOf(cause)}). Give a file that 'ddcl hier shard' wrote.`, cause);
  });
  return withFileName(file, "Make it again with 'ddcl hier shard'.", () => shardFromBytes(bytes));
}
