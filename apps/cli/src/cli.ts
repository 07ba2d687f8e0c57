import { Command } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { encodeCommand } from './commands/encode.ts';
import { fitCommand } from './commands/fit.ts';
import { inspectCommand } from './commands/inspect.ts';
import { measureCommand } from './commands/measure.ts';
import { reportError } from './output/errors.ts';
import { version } from './output/version.ts';

function makeProgram(): Command {
  const program = new Command('ddcl')
    .description('Learned, collapse-free prototypes for token vectors (DDCL-Attention)')
    .version(version)
    .showHelpAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`ddcl: ${text.replace(/^error: /, '').trim()} See 'ddcl --help'.\n`) });
  for (const make of [fitCommand, measureCommand, encodeCommand, inspectCommand, doctorCommand, demoCommand]) {
    program.addCommand(make().copyInheritedSettings(program));
  }
  // Throw instead of ending the process, so that every way out goes through reportError.
  for (const command of [program, ...program.commands]) command.exitOverride();
  return program;
}

/**
 * Runs the command line.
 *
 * @param argv as `process.argv`
 * @returns the exit status: 0 done, 2 a user's mistake, 130 interrupted, 1 anything else
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  try {
    if (argv.length <= 2) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv]);
    return 0;
  } catch (error) {
    return reportError(error, (text) => process.stderr.write(text));
  }
}
