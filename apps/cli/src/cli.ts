import { writeSync } from 'node:fs';
import { Command } from 'commander';
import { errorLine, reportError } from './output/errors.ts';
import { version } from './output/version.ts';

/** commander's complaint, which may have several lines, as one line that says where to look. */
function complaint(text: string, command: string): string {
  const [problem = '', ...suggestions] = text
    .replace(/^error: /, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const sentences = [problem, ...suggestions.map((suggestion) => suggestion.replace(/^\((.*)\)$/, '$1'))];
  return [
    ...sentences.map((sentence) => (/[.?!]$/.test(sentence) ? sentence : `${sentence}.`)),
    `See '${command} --help'.`,
  ].join(' ');
}

/** Ends quietly when the reader of a pipe goes away, as in `ddcl --help | head`; with a line where the disk is full. */
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  endWith(error);
}

/** What stderr takes now, since the process ends; where even that fails there is nobody to tell. */
function writeNow(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // The exit status still says it.
  }
}

/** Ends the process for an error that no command caught: the line that every error gets. */
function endWith(error: unknown): never {
  process.exit(reportError(error, { debug: process.argv.includes('--debug'), write: writeNow }));
}

/** For the program itself: also errors outside of every promise are one line. */
export function reportUncaught(): void {
  process.on('uncaughtException', endWith);
  process.on('unhandledRejection', endWith);
}

/** In the order of the help. Only what is named is loaded: most of the modules of a command belong to no other. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  fit: async () => (await import('./commands/fit.ts')).fitCommand(),
  measure: async () => (await import('./commands/measure.ts')).measureCommand(),
  encode: async () => (await import('./commands/encode.ts')).encodeCommand(),
  'encode-tokens': async () => (await import('./commands/encode-tokens.ts')).encodeTokensCommand(),
  compare: async () => (await import('./commands/compare.ts')).compareCommand(),
  vq: async () => (await import('./commands/vq.ts')).vqCommand(),
  hier: async () => (await import('./commands/hier.ts')).hierCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  export: async () => (await import('./commands/export.ts')).exportCommand(),
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
};

/** @param args what stands after the program */
async function makeProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('ddcl')
    .description('Learned, collapse-free prototypes for token vectors (DDCL-Attention)')
    .version(version)
    .option('--debug', 'show the stack of an error, for reports of defects')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError(false);
  // The help, and a name that is none, are about all of them.
  const name = args.find((each) => each !== '--debug') ?? '';
  const wanted = Object.hasOwn(commands, name) ? [commands[name]!] : Object.values(commands);
  for (const make of wanted) program.addCommand((await make()).copyInheritedSettings(program));
  prepare(program, 'ddcl');
  return program;
}

/** A command and those under it. */
function prepare(command: Command, name: string): void {
  command.configureOutput({ outputError: (text, write) => write(errorLine(complaint(text, name))) });
  // Throw instead of ending the process, so that every way out goes through reportError.
  command.exitOverride();
  for (const each of command.commands) prepare(each, `${name} ${each.name()}`);
}

/**
 * Runs the command line.
 *
 * @param argv as `process.argv`
 * @returns the exit status: 0 done, 2 a user's mistake, 130 interrupted, 1 anything else
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = await makeProgram(argv.slice(2));
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(onPipeError)) stream.on('error', onPipeError);
  }
  try {
    if (argv.length <= 2) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv]);
    return 0;
  } catch (error) {
    const { debug } = program.opts<{ debug?: boolean }>();
    return reportError(error, { command: program.args[0], debug, write: (text) => process.stderr.write(text) });
  }
}
