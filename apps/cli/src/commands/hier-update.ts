import { resolve } from 'node:path';
import { Command } from 'commander';
import { partialFit, type ChangeLog } from '@ddcl/hier';
import { commandLine, positiveNumber } from '../command-line/options.ts';
import { addCorpusOptions, corpusText } from '../hier/corpus-options.ts';
import { loadHierarchy, writeHierarchy } from '../hier/hierarchy-folder.ts';
import { openCorpus, type CorpusOptions } from '../hier/open-corpus.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { withCommand } from './with-command.ts';

interface HierUpdateOptions extends CorpusOptions {
  readonly out: string;
  readonly births: boolean;
  readonly allLevels?: boolean;
  readonly forget?: number;
  readonly json?: boolean;
}

const help = `
Topics keep their ids. What changed is printed, and kept in config.json under measures: topics that were born, split or came so close to
another that both mean the same.

Examples:
  $ ddcl hier update topics new.jsonl --out topics-2
  $ ddcl hier update topics new.jsonl --all-levels --forget 0.5 --out topics-2`;

/** `ddcl hier update`. */
export function hierUpdateCommand(): Command {
  const command = new Command('update')
    .description('go on with more documents; ids of topics stay, missing topics are born')
    .argument('<model>', 'folder of ddcl hier fit')
    .argument('<corpus...>', corpusText)
    .requiredOption('--out <folder>', 'folder for the new hierarchy (required); must be new or empty');
  return addCorpusOptions(command, true)
    .option('--no-births', 'give no topics of their own to documents that no topic fits')
    .option('--all-levels', 'let the levels below the last move too; some old documents then change their topic')
    .option('--forget <share>', 'share of what was seen before that is forgotten first (default: none)', positiveNumber)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action((folder: string, paths: string[], options: HierUpdateOptions, self: Command) =>
      hierUpdateAction(folder, paths, options, self),
    );
}

function hierUpdateAction(
  folder: string,
  paths: string[],
  options: HierUpdateOptions,
  command: Command,
): Promise<void> {
  return withCommand(options, async (scope) => {
    const { births, allLevels, forget } = options;
    const out = resolve(options.out);
    scope.own(await openOutFolder(out), (release) => release());
    const { hierarchy, config } = await loadHierarchy(resolve(folder));
    const { source, documents, badRows, text, data } = await openCorpus(paths, options, scope, config);
    const { model, changes } = await partialFit(hierarchy, source, {
      births,
      levels: allLevels === true ? 'all' : 'last',
      ...(forget !== undefined && { forget }),
      signal: scope.signal,
      onProgress: (done) => scope.progress.show({ phase: 'updating', done, total: documents, unit: 'documents' }),
    });
    scope.progress.stop();
    const measures = { ...changes, drift: [...changes.drift].map((way) => (Number.isNaN(way) ? null : way)), badRows };
    await writeHierarchy(out, model, {
      command: commandLine(command),
      data,
      ...(text !== undefined && { text }),
      fit: { parent: config.command, births, allLevels: allLevels ?? false, forget: forget ?? 0 },
      measures,
    });
    scope.print({ ...measures, out, seconds: scope.seconds() }, `${formatChanges(changes)}\nwritten to ${out}`);
  });
}

function formatChanges({ documents, born, split, merged }: ChangeLog): string {
  return [
    `${documents} documents`,
    ...born.map(
      ({ id, reused, documents: own, near }) =>
        `topic ${id} was born${reused ? ' again' : ''} of ${own} documents, which would be in topic ${near}`,
    ),
    ...split.map(({ id, into, documents: own }) => `topic ${id} lost ${own} of these documents to topic ${into}`),
    ...merged.map(({ ids }) => `topics ${ids.join(' and ')} mean the same now`),
    ...(born.length + split.length + merged.length === 0 ? ['all topics are as they were'] : []),
  ].join('\n');
}
