import { Option, type Command } from 'commander';
import { nameList } from '../command-line/options.ts';

/** Options that say which numbers of a file make a token, and what their labels are. */
export interface DataCommandOptions {
  readonly columns?: string[];
  readonly tensor?: string;
  readonly labels?: string;
}

/**
 * Adds `--columns` and `--tensor` to a command.
 *
 * @param columns what they are by default
 * @param tensor the same
 */
export function addDataOptions(command: Command, columns: string, tensor: string): Command {
  return command
    .addOption(
      new Option('--columns <names>', `columns that make a token, separated by commas (default: ${columns})`).argParser(
        nameList,
      ),
    )
    .option('--tensor <name>', `which tensor of a safetensors file (default: ${tensor})`);
}
