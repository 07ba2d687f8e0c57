import type { OutlierRule, Period, TopicOptions } from '@ddcl/hier';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { seedOption, wholeNumber } from '../command-line/options.ts';
import { mapKinds, type MapKind } from './topic-map.ts';
import { stopWords } from './stop-words.ts';

const periods: readonly Period[] = ['hour', 'day', 'week', 'month', 'quarter', 'year', 'decade'];

/** Options of `ddcl hier topics` about what is told. */
export interface TopicCommandOptions {
  readonly words: number;
  readonly stopWords: string;
  readonly locale?: string;
  readonly minDocuments?: number;
  readonly maxShare?: number;
  readonly counts: 'soft' | 'hard';
  readonly vocabulary?: number;
  readonly outliers: OutlierRule;
  readonly mergeTo?: number;
  readonly mergePrice?: number;
  readonly representatives: number;
  readonly time?: string;
  readonly period?: Period;
  readonly map: MapKind;
  readonly pageDocuments: number;
  readonly textLength: number;
  readonly title?: string;
  readonly seed: number;
}

/** `0.05`: a share; `entropy=1.5`, `distance=2` or both, separated by a comma: thresholds. */
export function outlierRule(text: string): OutlierRule {
  const expected =
    "a share such as 0.05, or thresholds such as 'entropy=1.5', 'distance=2' or 'entropy=1.5,distance=2'";
  const number = (part: string, most: number): number => {
    const value = part.trim() === '' ? NaN : Number(part);
    if (value >= 0 && value <= most) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
  if (!text.includes('=')) return { share: number(text, 1) };
  const rule: { entropy?: number; distance?: number } = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=');
    if (name !== 'entropy' && name !== 'distance') throw new InvalidArgumentError(`Expected ${expected}.`);
    rule[name] = number(value, Number.MAX_VALUE);
  }
  return rule;
}

function share(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a share above 0 and at most 1.');
}

export function addTopicOptions(command: Command): Command {
  return command
    .option('--words <N>', 'words per topic', wholeNumber(1), 10)
    .option(
      '--stop-words <list>',
      'words left out: languages such as en or en,de, a file with a word a line, or none',
      'en',
    )
    .option('--locale <tag>', 'language of the texts, for scripts without spaces and lower case (default: en)')
    .option(
      '--min-documents <N>',
      'leave out words of fewer documents (default: 1 per 200 documents, at most 5)',
      wholeNumber(1),
    )
    .option('--max-share <share>', 'leave out words of a larger share of the documents (default: 0.7)', share)
    .addOption(
      new Option(
        '--counts <kind>',
        "whether a word counts for its document's topic alone, or for each by its assignment",
      )
        .choices(['hard', 'soft'])
        .default('hard'),
    )
    .option('--vocabulary <N>', 'most words that are counted at a time (default: 200000)', wholeNumber(10))
    .option(
      '--outliers <rule>',
      'share of the documents, or entropy=E,distance=D; they keep their topics',
      outlierRule,
      {
        share: 0.05,
      },
    )
    .option('--merge-to <N>', 'take the closest topics together until N are left', wholeNumber(1))
    .option(
      '--merge-price <share>',
      'take topics together that are worth less than this share of what all take off the error, such as 0.02',
      share,
    )
    .option('--representatives <N>', 'documents that stand for each topic', wholeNumber(0), 5)
    .option('--time <field>', 'field or column with the date of each document')
    .addOption(new Option('--period <name>', 'bins of time (default: by the dates)').choices(periods))
    .addOption(
      new Option('--map <kind>', 'principal axes, or UMAP where umap-js is installed').choices(mapKinds).default('pca'),
    )
    .option('--page-documents <N>', 'documents on the page: a sample of more than that', wholeNumber(1), 20_000)
    .option('--text-length <N>', 'characters of each document on the page', wholeNumber(1), 600)
    .option('--title <text>', 'of the page')
    .addOption(seedOption());
}

/** As the library takes them. */
export async function topicOptions(options: TopicCommandOptions): Promise<TopicOptions> {
  const {
    words: count,
    minDocuments,
    maxShare,
    counts,
    vocabulary,
    outliers,
    mergeTo,
    mergePrice,
    representatives,
    period,
  } = options;
  return {
    stopWords: await stopWords(options.stopWords),
    counts,
    outliers,
    representatives,
    words: {
      count,
      ...(minDocuments === undefined ? {} : { minDocuments }),
      ...(maxShare === undefined ? {} : { maxShare }),
    },
    ...(options.locale === undefined ? {} : { locale: options.locale }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(mergePrice === undefined ? {} : { mergeTo: { price: mergePrice } }),
    ...(mergeTo === undefined ? {} : { mergeTo }),
    ...(period === undefined ? {} : { period }),
  };
}
