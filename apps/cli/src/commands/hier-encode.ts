import { resolve } from 'node:path';
import { Command } from 'commander';
import { encodeDocuments, type DocumentCode } from '@ddcl/hier';
import { addCorpusOptions, corpusText } from '../hier/corpus-options.ts';
import { describeLevels, loadHierarchy } from '../hier/hierarchy-folder.ts';
import { openCorpus, type CorpusOptions } from '../hier/open-corpus.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { writeWhole } from '../output/write-file.ts';
import { withCommand } from './with-command.ts';

interface HierEncodeOptions extends CorpusOptions {
  readonly out: string;
  readonly json?: boolean;
}

const help = `
A line per document, in their order: id, topic (null for a document without tokens), entropy (nats), distance to the topic's prototype,
and levels: of each the number of its items and main, the prototype with the largest mean assignment of them.

Examples:
  $ ddcl hier encode topics posts.jsonl --out topics.jsonl
  $ ddcl hier encode topics embeddings.npy --out topics.jsonl`;

/** `ddcl hier encode`. */
export function hierEncodeCommand(): Command {
  const command = new Command('encode')
    .description('the topic of each document, with its entropy and distance')
    .argument('<model>', 'folder of ddcl hier fit')
    .argument('<corpus...>', corpusText)
    .requiredOption('--out <file.jsonl>', 'file for a line per document (required)');
  return addCorpusOptions(command, true)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action(hierEncodeAction);
}

function hierEncodeAction(folder: string, paths: string[], options: HierEncodeOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    await checkOutFile('--out', out, '.jsonl', [folder, ...paths, options.encoder]);
    const { hierarchy, config } = await loadHierarchy(resolve(folder));
    const { source, documents, badRows } = await openCorpus(paths, options, scope, config);
    const sizes = new Int32Array(hierarchy.levels.at(-1)!.model.count);
    let empty = 0;
    async function* lines(): AsyncGenerator<Uint8Array> {
      const onProgress = (done: number): void =>
        scope.progress.show({ phase: 'encoding', done, total: documents, unit: 'documents' });
      for await (const codes of encodeDocuments(hierarchy, source, { signal: scope.signal, onProgress })) {
        for (const { topic } of codes) {
          if (topic < 0) empty += 1;
          else sizes[topic]! += 1;
        }
        yield new TextEncoder().encode(codes.map(lineOf).join(''));
      }
    }
    await writeWhole(out, lines());
    const measures = { documents, empty, badRows, topics: [...sizes], levels: describeLevels(hierarchy), out };
    scope.print(
      { ...measures, seconds: scope.seconds() },
      `${documents} documents${empty === 0 ? '' : `, ${empty} without tokens`} in ${sizes.filter((size) => size > 0).length} topics of ${sizes.length}, written to ${out}`,
    );
  });
}

function lineOf({ id, topic, entropy, distance, levels }: DocumentCode): string {
  const isEmpty = topic < 0;
  const line = {
    id,
    topic: isEmpty ? null : topic,
    entropy: isEmpty ? null : entropy,
    distance: isEmpty ? null : distance,
    levels: levels.map(({ name, codes, occupancy }) => ({
      name,
      items: codes.length,
      main: codes.length === 0 ? null : occupancy.indexOf(occupancy.reduce((most, share) => Math.max(most, share), 0)),
    })),
  };
  return `${JSON.stringify(line)}\n`;
}
