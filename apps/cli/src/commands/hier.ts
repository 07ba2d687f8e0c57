import { Command } from 'commander';
import { hierEncodeCommand } from './hier-encode.ts';
import { hierFitCommand } from './hier-fit.ts';
import { hierMergeCommand, hierShardCommand } from './hier-merge.ts';
import { hierTopicsCommand } from './hier-topics.ts';
import { hierUpdateCommand } from './hier-update.ts';

/** `ddcl hier`. */
export function hierCommand(): Command {
  const command = new Command('hier').description('documents compressed level by level, and their topics');
  for (const make of [
    hierFitCommand,
    hierEncodeCommand,
    hierTopicsCommand,
    hierUpdateCommand,
    hierShardCommand,
    hierMergeCommand,
  ])
    command.addCommand(make().copyInheritedSettings(command));
  return command;
}
