import { Command } from 'commander';
import { vqCompareCommand } from './vq-compare.ts';
import { vqDecodeCommand, vqEncodeCommand } from './vq-codes.ts';
import { vqExportCommand } from './vq-export.ts';
import { vqFitCommand } from './vq-fit.ts';
import { vqTrainCommand } from './vq-train.ts';

/** `ddcl vq`. */
export function vqCommand(): Command {
  const command = new Command('vq').description('codebooks: vectors to codes of a few bytes, and back');
  for (const make of [
    vqFitCommand,
    vqEncodeCommand,
    vqDecodeCommand,
    vqCompareCommand,
    vqExportCommand,
    vqTrainCommand,
  ])
    command.addCommand(make().copyInheritedSettings(command));
  return command;
}
