import { basename, resolve } from 'node:path';
import { tokensFromArray } from '@ddcl/core/fit';
import { Readout } from '@ddcl/readout';
import { Command } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { commandLine, wholeNumber } from '../command-line/options.ts';
import { addEncoderOptions, requireEncoder, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { requireSameEncoder } from '../encoder/encoder-record.ts';
import { openEncoder, type Encoder } from '../encoder/open-encoder.ts';
import type { TextDocument } from '../text/text-document.ts';
import { gatherExplanation, type ReadDocument } from '../explain/gather.ts';
import { renderExplanation } from '../explain/render-explanation.ts';
import { loadModel } from '../model-folder/model-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { writeWhole } from '../output/write-file.ts';
import { preprocess, type Preprocessing } from '../preprocess/preprocessing.ts';
import { openText } from '../text/open-text.ts';
import { addTextOptions, type TextCommandOptions } from '../text/text-options.ts';
import { withCommand } from './with-command.ts';
import { say } from '../output/print.ts';

interface ExplainCommandOptions extends EncoderCommandOptions, TextCommandOptions {
  readonly html?: string;
  readonly examples: number;
  readonly words: number;
  readonly documents: number;
  readonly maxDocuments: number;
  readonly backend: string;
  readonly json?: boolean;
}

const help = `
The page needs nothing else and runs no script: for each prototype its share, the words it gets most often and those nearest to it, and passages; then
documents as heat maps, in which one prototype can be picked.

Examples:
  $ ddcl explain model --text reviews.jsonl --html prototypes.html
  $ ddcl explain model --text reviews.jsonl --json > prototypes.json`;

/** `ddcl explain`. */
export function explainCommand(): Command {
  const command = addTextOptions(
    new Command('explain')
      .description('what the prototypes of a model stand for in texts, as a page')
      .argument('<model>', 'model folder, fitted on text or token shards'),
  );
  return addEncoderOptions(command, true)
    .option('--html <file.html>', 'file to write; one that is there is replaced')
    .option('--examples <N>', 'passages per prototype', wholeNumber(0), 3)
    .option('--words <N>', 'words per prototype', wholeNumber(1), 12)
    .option('--documents <N>', 'documents shown as heat maps: the first ones', wholeNumber(0), 5)
    .option('--max-documents <N>', 'documents that are looked at: the first ones', wholeNumber(1), 2000)
    .addOption(backendOption())
    .option('--json', 'print what the page holds as one JSON object on stdout')
    .addHelpText('after', help)
    .action((model: string, options: ExplainCommandOptions, self: Command) => explainAction(model, options, self));
}

function explainAction(folder: string, options: ExplainCommandOptions, command: Command): Promise<void> {
  return withCommand(options, async ({ signal, progress, own, print, ...scope }) => {
    const { html, json, text: paths } = options;
    if (paths === undefined) throw usageError('There is no text. Give --text DATA.');
    if (html === undefined && json !== true)
      throw usageError('There is nothing to write. Give --html FILE.html, or --json.');
    const out = html === undefined ? undefined : resolve(html);
    if (out !== undefined) await checkOutFile('--html', out, '.html', [folder, ...paths, options.encoder]);
    const { model, config } = await loadModel(resolve(folder));
    if (config.text?.documents === 'mean') {
      throw usageError(
        `The model ${folder} was fitted on one mean per document, so its prototypes stand for no tokens. Fit one without --documents mean.`,
      );
    }
    const started = await scope.backend(options.backend);
    // Its encoder, which needs onnxruntime-node, takes most of the time.
    scope.announce(started, 0);
    const { backend } = started;
    const readout = own(Readout.fromModel(model, { backend }), (opened) => opened.dispose());
    const chosen = requireEncoder(options, config.text?.encoder);
    const encoder = own(await openEncoder({ ...chosen, signal }), (opened) => opened.dispose());
    const { record } = encoder;
    if (config.text !== undefined) requireSameEncoder(config.text.encoder, record, options.otherEncoder ?? false);
    const { stripHtml, textField } = record;
    const text = await openText(paths, {
      stripHtml,
      textField: textField ?? undefined,
      labels: options.labels,
      signal,
    });
    const total = Math.min(options.maxDocuments, text.count);
    const explanation = await gatherExplanation(
      readout,
      readDocuments(encoder, text.documents(), options.maxDocuments, config.preprocessing),
      {
        examples: options.examples,
        words: options.words,
        shown: options.documents,
        total: text.count,
        onProgress: (done) => progress.show({ phase: 'explaining', done, total, unit: 'documents' }),
      },
    );
    progress.stop();
    if (total < text.count) {
      say(`looked at the first ${total} of ${text.count} documents; --max-documents says how many\n`);
    }
    if (out !== undefined) {
      const title = `What the prototypes of ${basename(resolve(folder))} stand for`;
      await writeWhole(out, renderExplanation(title, explanation, commandLine(command)));
    }
    print(explanation, `written to ${out}; open it in a browser`);
  });
}

/** Texts through the encoder, with the pieces that its vectors belong to. */
async function* readDocuments(
  encoder: Encoder,
  documents: AsyncIterable<TextDocument>,
  most: number,
  preprocessing: Preprocessing,
): AsyncGenerator<ReadDocument> {
  // The encoder gives documents back in the order in which they came.
  const waiting: TextDocument[] = [];
  async function* first(): AsyncGenerator<TextDocument> {
    let count = 0;
    for await (const document of documents) {
      waiting.push(document);
      yield document;
      if (++count === most) return;
    }
  }
  for await (const { tokens, ids, place, label } of encoder.encode(first())) {
    const { pieces, special } = encoder.pieces(waiting.shift()!.text);
    const reader = preprocess(tokensFromArray(tokens, encoder.dimension), preprocessing);
    const { data } = await reader.read(0, ids.length);
    // Short, for a phone; the command on the page has the whole path.
    yield {
      place: basename(place),
      ...(label === undefined ? {} : { label }),
      pieces,
      special,
      tokens: Float32Array.from(data),
    };
  }
}
