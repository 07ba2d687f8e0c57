import { basename, resolve } from 'node:path';
import { createRandom } from '@ddcl/core';
import { encodeDocuments, topics, topicsPage, type PageDocument, type TopicView } from '@ddcl/hier';
import { Command } from 'commander';
import { collectCodes, type CollectedCodes } from '../hier/collect-codes.ts';
import { addCorpusOptions } from '../hier/corpus-options.ts';
import { loadHierarchy } from '../hier/hierarchy-folder.ts';
import { openCorpus, type CorpusOptions } from '../hier/open-corpus.ts';
import { printedTopics, topicsObject, topicWarnings } from '../hier/print-topics.ts';
import { topicMap } from '../hier/topic-map.ts';
import { addTopicOptions, topicOptions, type TopicCommandOptions } from '../hier/topic-options.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { writeWhole } from '../output/write-file.ts';
import { openText } from '../text/open-text.ts';
import { withCommand, type CommandScope } from './with-command.ts';

interface HierTopicsOptions extends CorpusOptions, TopicCommandOptions {
  readonly html?: string;
  readonly vectors?: string[];
  readonly json?: boolean;
}

const help = `
Words are those of highest class TF-IDF; coherence is the NPMI of the words of a topic over documents; diversity the share of distinct words
among those of all topics. Outliers keep their topics. The page needs nothing else and loads nothing: a map, topics, the tree, documents with
search, and the course in time where --time names dates (ISO 8601, dates of mails, seconds since 1970).

Examples:
  $ ddcl hier topics topics posts.jsonl --html topics.html --time date
  $ ddcl hier topics topics posts.jsonl --merge-to 10 --outliers entropy=1.5 --json
  $ ddcl hier topics topics posts.jsonl --vectors shards --html topics.html    # the texts need not be encoded again`;

/** `ddcl hier topics`. */
export function hierTopicsCommand(): Command {
  const command = new Command('topics')
    .description('what the topics are about: words, documents, outliers, a tree, and a page')
    .argument('<model>', 'folder of ddcl hier fit')
    .argument('<corpus...>', 'text: .jsonl .tsv .csv .txt .parquet, or a folder of .txt files')
    .option('--html <file.html>', 'write the page here; one that is there is replaced')
    .option(
      '--vectors <data...>',
      'token shards or vectors of the same documents in the same order, instead of encoding the texts',
    );
  return addTopicOptions(addCorpusOptions(command, true))
    .option('--json', 'print the topics as one JSON object on stdout')
    .addHelpText('after', help)
    .action(hierTopicsAction);
}

function hierTopicsAction(folder: string, paths: string[], options: HierTopicsOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const { html, vectors, time, strict = false } = options;
    const out = html === undefined ? undefined : resolve(html);
    if (out !== undefined)
      await checkOutFile('--html', out, '.html', [folder, ...paths, ...(vectors ?? []), options.encoder]);
    const about = await topicOptions(options);
    const { hierarchy, config } = await loadHierarchy(resolve(folder));
    const { model } = hierarchy.levels.at(-1)!;
    if (options.mergeTo !== undefined && options.mergeTo > model.count)
      throw usageError(
        `The model has ${model.count} topics, so --merge-to takes 1 to ${model.count}, but is ${options.mergeTo}.`,
      );
    if (options.mergeTo !== undefined && options.mergePrice !== undefined)
      throw usageError('--merge-to and --merge-price both say how many topics are left. Give one of them.');
    if (vectors === undefined && options.encoder === undefined && config.text === undefined)
      throw usageError(`The model ${folder} was fitted on vectors. Give those of the corpus with --vectors DATA.`);
    const record = config.text?.encoder;
    const textField = options.textField ?? record?.textField ?? undefined;
    const stripHtml = options.stripHtml ?? record?.stripHtml ?? false;
    const bad: string[] = [];
    const text = await openText(paths, {
      textField,
      stripHtml,
      timeField: time,
      signal: scope.signal,
      ...(strict ? {} : { onBadRow: (place: string) => void bad.push(place) }),
    });
    const opened = await openCorpus(vectors ?? paths, options, scope, config);
    if (opened.documents !== text.count)
      throw usageError(
        `The corpus has ${text.count} documents, but --vectors has ${opened.documents}. Give those of the same documents.`,
      );
    const onProgress = (done: number): void =>
      scope.progress.show({ phase: 'encoding', done, total: text.count, unit: 'documents' });
    const codes = await collectCodes(
      encodeDocuments(hierarchy, opened.source, { signal: scope.signal, onProgress }),
      () => text.documents(),
    );
    const view = await topics(model.prototypes, model.count, () => codes.documents(), {
      ...about,
      onProgress: (done) => scope.progress.show({ phase: 'reading', done, total: text.count, unit: 'documents' }),
    });
    scope.progress.stop();
    if (out !== undefined) await writeWhole(out, pageOf(view, codes, basename(resolve(folder)), options, scope));
    scope.warn([
      ...(vectors !== undefined && bad.length > 0 ? [`${bad.length} rows are no texts and were left out`] : []),
      ...topicWarnings(view),
    ]);
    scope.print(
      { ...topicsObject(view), ...(out === undefined ? {} : { html: out }), seconds: scope.seconds() },
      out === undefined ? printedTopics(view) : `${printedTopics(view)}\n\nwritten to ${out}; open it in a browser`,
    );
  });
}

async function* pageOf(
  view: TopicView,
  codes: CollectedCodes,
  name: string,
  { pageDocuments, title = `Topics of ${name}`, textLength, map: kind, seed }: HierTopicsOptions,
  { signal }: CommandScope,
): AsyncGenerator<Uint8Array> {
  // Documents without tokens have no place.
  const placed = Array.from(codes.topics.keys()).filter((index) => codes.topics[index]! >= 0);
  const order = createRandom(seed).fork('page').permutation(placed.length);
  const chosen = Array.from(order.subarray(0, pageDocuments), (place) => placed[place]!).sort((a, b) => a - b);
  const { width } = codes;
  const vectors = new Float32Array(chosen.length * width);
  chosen.forEach((index, row) => vectors.set(codes.vectors.subarray(index * width, (index + 1) * width), row * width));
  const topicsOfRows = Int32Array.from(chosen, (index) => codes.topics[index]!);
  const { positions, made } = topicMap(kind, vectors, width, { topics: topicsOfRows, seed });
  async function* rows(): AsyncGenerator<PageDocument> {
    let [index, row] = [0, 0];
    for await (const { id, text, topic, time } of codes.documents()) {
      signal.throwIfAborted();
      if (chosen[row] === index) {
        const position = positions.subarray(2 * row, 2 * row + 2);
        yield { id, text, topic, position, outlier: view.outliers.flags[index] === 1, time };
        row++;
      }
      index++;
    }
  }
  const encoder = new TextEncoder();
  for await (const piece of topicsPage(view, rows(), { title, textLength, map: made })) yield encoder.encode(piece);
}
