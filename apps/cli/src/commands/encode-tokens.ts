import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { wholeNumber } from '../command-line/options.ts';
import { addEncoderOptions, requireEncoder, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { usageError } from '../output/usage-error.ts';
import { addTextOptions, type TextCommandOptions } from '../text/text-options.ts';
import { describeCounts, encodeText } from '../token-shards/encode-text.ts';
import { requireUnfinished } from '../token-shards/kept-shards.ts';
import { isShardName, type TokenFileDType } from '../token-shards/shard-format.ts';
import { defaultShardTokens } from '../token-shards/shard-writer.ts';
import { withCommand } from './with-command.ts';

interface EncodeTokensOptions extends EncoderCommandOptions, TextCommandOptions {
  readonly tokenDtype: TokenFileDType;
  readonly shardTokens: number;
  readonly out: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const help = `
The out folder gets tokens-00000.safetensors, tokens-00001.safetensors, ...: each has tokens [n, m], offsets [documents + 1] (bounds of
the documents in it), labels if they were named, and what made them. A document does not cross files. 'ddcl fit', 'ddcl measure' and
'ddcl encode' take the folder as data.

Examples:
  $ ddcl encode-tokens --text reviews.jsonl --encoder sentence-transformers/all-MiniLM-L6-v2 --out tokens
  $ ddcl encode-tokens --text reviews.jsonl --labels stars --encoder ./encoder --max-tokens 256 --out tokens
  $ ddcl fit tokens --prototypes 64 --out model`;

/** `ddcl encode-tokens`. */
export function encodeTokensCommand(): Command {
  const command = new Command('encode-tokens')
    .description('run text through an encoder and keep the token vectors')
    .requiredOption('--out <folder>', 'folder for the files (required); must be new or empty')
    .option(
      '--resume',
      'go on after the files that a killed run finished; texts, encoder and options must be the same',
    );
  return addEncoderOptions(addTextOptions(command))
    .addOption(
      new Option('--token-dtype <dtype>', 'numbers of the token vectors in the files')
        .choices(['float16', 'float32'] satisfies TokenFileDType[])
        .default('float16'),
    )
    .option('--shard-tokens <N>', 'most tokens of a file', wholeNumber(1), defaultShardTokens)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action(encodeTokensAction);
}

function encodeTokensAction(options: EncodeTokensOptions): Promise<void> {
  return withCommand(options, async ({ signal, progress, own, seconds, print }) => {
    const out = resolve(options.out);
    if (options.text === undefined) throw usageError('There is no text. Give --text DATA.');
    const encoder = requireEncoder(options);
    const clear = options.resume === true ? () => requireUnfinished(out) : undefined;
    own(await openOutFolder(out, { isUnfinished: isShardName, ...(clear && { clear }) }), (release) => release());
    const { shards, counts, record, fingerprint } = await encodeText({
      text: options.text,
      labels: options.labels,
      encoder,
      folder: out,
      tokenDtype: options.tokenDtype,
      shardTokens: options.shardTokens,
      resume: options.resume,
      signal,
      progress,
    });
    print(
      { ...counts, shards, dtype: options.tokenDtype, encoder: record, fingerprint, out, seconds: seconds() },
      `${describeCounts(counts, record)} of dimension ${record.dimension} written to ${out} (${shards} ${shards === 1 ? 'file' : 'files'})`,
    );
  });
}
