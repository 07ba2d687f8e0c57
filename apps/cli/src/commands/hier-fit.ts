import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { fitHierarchy, resolveSpec, type HierarchySpec, type LevelQuantities, type LevelReport } from '@ddcl/hier';
import type { TemperatureChoice } from '@ddcl/core/fit';
import { backendOption } from '../backends/backend-options.ts';
import {
  commandLine,
  numberList,
  positiveNumber,
  seedOption,
  temperatureChoice,
  wholeNumber,
} from '../command-line/options.ts';
import { addCorpusOptions, corpusText } from '../hier/corpus-options.ts';
import { addSeedWordOptions, guidedStart, seedTopics, type SeedWordOptions } from '../hier/seed-words.ts';
import { writeHierarchy } from '../hier/hierarchy-folder.ts';
import { openCorpus, type CorpusOptions, type OpenedCorpus } from '../hier/open-corpus.ts';
import { short } from '../measures/measures.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { usageError } from '../output/usage-error.ts';
import { openText, type OpenedText } from '../text/open-text.ts';
import { withCommand, type CommandScope } from './with-command.ts';

interface HierFitOptions extends CorpusOptions, SeedWordOptions {
  readonly prototypes: number[];
  readonly temperature?: TemperatureChoice;
  readonly joint?: boolean;
  readonly through?: boolean;
  readonly epochs?: number;
  readonly restarts: number;
  readonly certificate?: boolean;
  readonly memory: number;
  readonly seed: number;
  readonly backend: string;
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ ddcl hier fit posts.jsonl --encoder ./encoder --prototypes 32,20 --out topics     # tokens to documents to topics
  $ ddcl hier fit tokens --documents mean --prototypes 20 --out topics                # one vector a document
  $ ddcl hier fit embeddings.npy --prototypes 20 --seed 1 --out topics --json
  $ ddcl hier fit posts.jsonl --encoder ./encoder --prototypes 32,20 --seed-words guns,weapons --seed-words hockey --out topics

The out folder gets hierarchy.safetensors, config.json and history.jsonl (the quantities of each level at each moment).`;

/** `ddcl hier fit`. */
export function hierFitCommand(): Command {
  const command = new Command('fit')
    .description('compress documents level by level; prototypes of the last level are topics')
    .argument('<corpus...>', corpusText)
    .addOption(
      new Option(
        '--prototypes <list>',
        'number of prototypes of each level, from tokens upwards (required), such as 32,20',
      )
        .argParser(numberList((value) => Number.isSafeInteger(value) && value >= 1, 'whole numbers >= 1'))
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'folder for the hierarchy (required); must be new or empty');
  return addSeedWordOptions(addCorpusOptions(command))
    .addOption(
      new Option(
        '--temperature <T>',
        'of all levels: a number, a share of the critical one such as 0.01tc, or auto (default)',
      ).argParser(temperatureChoice),
    )
    .option('--joint', 'after that, let all levels move together for some epochs')
    .option('--through', 'with --joint: let the loss of upper levels reach those below')
    .option('--epochs <E>', 'passes over the items of each level (default: as many as it needs)', wholeNumber(1))
    .option('--restarts <R>', 'fits of the last level, of which the best is kept', wholeNumber(1), 10)
    .option('--certificate', 'measure the stability of each level, which takes longer than the fit')
    .option('--memory <MiB>', 'most MiB of items that a level is fitted on; more are sampled', positiveNumber, 256)
    .addOption(backendOption())
    .addOption(seedOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', examples)
    .action((paths: string[], options: HierFitOptions, self: Command) => hierFitAction(paths, options, self));
}

function hierFitAction(paths: string[], options: HierFitOptions, command: Command): Promise<void> {
  return withCommand(options, async (scope) => {
    const { progress, signal } = scope;
    if (options.through === true && options.joint !== true)
      throw usageError(
        '--through says how levels move together, so it needs --joint. Add --joint, or leave --through out.',
      );
    if (options.seedText !== undefined && options.seedWords === undefined)
      throw usageError(
        '--seed-text is for the words of topics to look for. Add --seed-words, or leave --seed-text out.',
      );
    const seeds = await seedTopics(options.seedWords ?? []);
    const out = resolve(options.out);
    scope.own(await openOutFolder(out), (release) => release());
    const { backend } = await scope.backend(options.backend, 'float32');
    const corpus = await openCorpus(paths, options, scope);
    const { source, text, data } = corpus;
    const { prototypes, temperature, epochs, restarts, seed, memory, joint, through, certificate } = options;
    const spec: HierarchySpec = {
      levels: prototypes.map((count) => ({ prototypes: count, ...(temperature !== undefined && { temperature }) })),
      dimension: source.dimension,
      ...(source.encoder !== undefined && { encoder: source.encoder }),
    };
    const last = resolveSpec(spec).at(-1)!;
    const starts =
      seeds.length === 0
        ? undefined
        : {
            [last.name]: guidedStart(seeds, await seedTexts(paths, options, corpus, scope), {
              count: last.prototypes,
              width: last.width,
              seed,
            }),
          };
    const history: LevelQuantities[] = [];
    const warnings: string[] = [];
    const units = { read: 'documents', encode: 'documents', fit: 'steps', joint: 'epochs' };
    const { model, levels, documents, tokens, empty } = await fitHierarchy(backend, spec, source, {
      mode: joint === true ? 'joint' : 'levels',
      ...(through !== undefined && { through }),
      ...(epochs !== undefined && { epochs }),
      ...(certificate !== undefined && { certificate }),
      ...(starts !== undefined && { starts }),
      restarts,
      seed,
      memory: memory * 2 ** 20,
      signal,
      onProgress: ({ phase, level, done, total }) => {
        if (total !== undefined) progress.show({ phase: `${phase} (${level})`, done, total, unit: units[phase] });
      },
      onEpoch: (quantities) => void history.push(quantities),
      onWarning: (warning) => void warnings.push(warning),
    });
    progress.stop();
    scope.warn(warnings);
    const seeded = seeds.map((words, topic) => ({ topic, words }));
    const measures = { documents, tokens, empty, badRows: corpus.badRows, levels, seeded, backend: backend.name };
    await writeHierarchy(
      out,
      model,
      {
        command: commandLine(command),
        data,
        ...(text !== undefined && { text }),
        fit: {
          prototypes: prototypes.join(','),
          epochs: epochs ?? null,
          restarts,
          seed,
          ...(seeds.length > 0 && { seedWords: seeds.map((words) => words.join(',')).join('; ') }),
          joint: joint ?? false,
          through: through ?? false,
          memory,
          backend: backend.name,
        },
        measures,
      },
      history,
    );
    scope.print({ ...measures, out, seconds: scope.seconds() }, formatFit(measures, out, scope.seconds()));
  });
}

/** The texts of the corpus, for words that are looked for in them. */
function seedTexts(
  paths: readonly string[],
  { seedText, textField, stripHtml, strict = false }: HierFitOptions,
  { isText }: OpenedCorpus,
  { signal }: CommandScope,
): Promise<OpenedText> {
  if (seedText === undefined && !isText)
    throw usageError(
      '--seed-words are looked for in texts, but the corpus is token shards or vectors. Give the texts of the same documents with --seed-text.',
    );
  // Rows that are no texts were told of when the corpus was opened, and left out there too.
  return openText(seedText ?? paths, { textField, stripHtml, signal, ...(strict ? {} : { onBadRow: () => {} }) });
}

function formatFit(
  {
    documents,
    tokens,
    empty,
    levels,
    seeded,
  }: {
    documents: number;
    tokens: number;
    empty: number;
    levels: readonly LevelReport[];
    seeded: readonly { topic: number; words: readonly string[] }[];
  },
  out: string,
  seconds: number,
): string {
  const without = empty === 0 ? '' : `, ${empty} without tokens left out`;
  const lines = levels.map(
    ({ level, items, fitted, lq, lols, v, hard, temperatureShare, use, distinct }) =>
      `${level.padEnd(10)} ${items} items${fitted < items ? ` (fitted on ${fitted})` : ''}, hard error ${short(hard)}, L_q ${short(lq)} = L_OLS ${short(lols)} + V ${short(v)}, T / T_c ${short(temperatureShare)}, use ${short(100 * use)} %, ${distinct} distinct`,
  );
  lines.push(...seeded.map(({ topic, words }) => `topic ${topic} began with ${words.join(', ')}`));
  return `${documents} documents, ${tokens} tokens${without}\n${lines.join('\n')}\n\n${short(seconds)} s; written to ${out}`;
}
