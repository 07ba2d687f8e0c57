import { Option, type Command } from 'commander';

/** Options of all commands that take text. */
export interface TextCommandOptions {
  readonly text?: string[];
  readonly textField?: string;
  readonly labels?: string;
  readonly stripHtml?: boolean;
}

export const textOption = (): Option =>
  new Option(
    '--text <data...>',
    'text to run through an encoder: .jsonl .tsv .csv .txt (a line a document; these also .gz), .parquet, or a folder of .txt files',
  );

/** Adds how text is read to a command; without `--text` itself and without labels. */
export function addTextUseOptions(command: Command): Command {
  return command
    .option('--text-field <name>', 'field or column that holds the text (default: text)')
    .option('--strip-html', 'take HTML tags such as <br /> out of the text');
}

/** Adds the options of text to a command, `--labels` included. */
export function addTextOptions(command: Command): Command {
  return addTextUseOptions(command.addOption(textOption())).option(
    '--labels <field>',
    'field or column with the label; for a folder of texts: folder, its first sub-folder',
  );
}
