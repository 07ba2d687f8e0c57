import { Option, type Command } from 'commander';
import { addDataOptions } from '../data/data-options.ts';
import { addEncoderOptions } from '../encoder/encoder-options.ts';
import { documentModes } from '../model-folder/model-folder.ts';
import { addTextUseOptions } from '../text/text-options.ts';

/** What `ddcl hier` calls a corpus. */
export const corpusText =
  'text (.jsonl .tsv .csv .txt .parquet, a folder of .txt files) with --encoder, a folder of token shards, or vectors (.npy, .parquet, ...), a row per document';

/** Adds how a corpus is read to a command. */
export function addCorpusOptions(command: Command, ofModel = false): Command {
  addEncoderOptions(addTextUseOptions(command), ofModel)
    .addOption(
      new Option(
        '--documents <mode>',
        'of text and token shards: all tokens, or the mean vector of each document (of length 1)',
      ).choices(documentModes),
    )
    .option('--strict', 'stop at a line of .jsonl that is no text, instead of leaving it out');
  return addDataOptions(command, 'all', 'its only matrix');
}
