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

/** How text is read; without `--text` itself and without labels. */
export function textUseOptions(): Option[] {
  return [
    new Option('--text-field <name>', 'field or column that holds the text (default: text)'),
    new Option('--strip-html', 'take HTML tags such as <br /> out of the text'),
  ];
}

/** Adds the options of text to a command, `--labels` included. */
export function addTextOptions(command: Command): Command {
  command.addOption(textOption());
  for (const option of textUseOptions()) command.addOption(option);
  return command.addOption(
    new Option(
      '--labels <field>',
      'field or column with the label; for a folder of texts: folder, its first sub-folder',
    ),
  );
}
