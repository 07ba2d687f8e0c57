import { Argument, Command, InvalidArgumentError } from 'commander';
import { readerNames } from './readers/readers.ts';
import { replay, replayCorpus, type Replayed } from './run/corpus.ts';
import { fuzzReader, type FuzzResult } from './run/fuzz-reader.ts';

interface FuzzCommandOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly first: number;
  readonly out: string;
  readonly corpus?: boolean;
  readonly replay?: string;
  readonly json?: boolean;
}

function wholeNumber(text: string): number {
  const value = Number(text.replaceAll(',', ''));
  if (/^[\d,]+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`Expected a whole number >= 0, got '${text}'.`);
}

/** Of a run that says nothing else: some seconds for each reader. */
const usualInputs = 20_000;

const help = `
Each input is a file that is right, changed at random from the seed: bits, counts, lengths, pieces of other files, values of
JSON, quotes and digits by the thousand. It must be read as what it says, or be refused by an error with a code: anything else,
more than 5 seconds and more than 500 MB are findings. Of each cause one is written to --out, as READER-SEED-INDEX.bin.

Readers: ${readerNames().join(', ')}

Examples:
  $ npm run fuzz                                      every reader for some seconds
  $ npm run fuzz -- npy --inputs 1000000 --seed 7
  $ npm run fuzz -- --corpus                          all that ever failed, once more
  $ npm run fuzz -- npy --replay fuzz-findings/npy-7-123.bin`;

const say = (text: string): void => void process.stderr.write(text);

/** A line on stderr at most every two seconds. */
function teller(name: string, inputs: number): (done: number) => void {
  let last = performance.now();
  return (done) => {
    if (performance.now() - last < 2000) return;
    last = performance.now();
    say(`${name}: ${done.toLocaleString('en')} of ${inputs.toLocaleString('en')} inputs\n`);
  };
}

async function runAll(only: readonly string[], options: FuzzCommandOptions): Promise<number> {
  const { seed, first, inputs, out } = options;
  const results: FuzzResult[] = [];
  for (const reader of readerNames().filter((name) => only.length === 0 || only.includes(name))) {
    const result = await fuzzReader(reader, { seed, first, inputs, out, onProgress: teller(reader, inputs) });
    results.push(result);
    const { accepted, refused, seconds, findings } = result;
    if (options.json) continue;
    const counts = `${inputs.toLocaleString('en')} inputs in ${seconds.toFixed(1)} s: ${accepted.toLocaleString('en')} read, ${refused.toLocaleString('en')} refused`;
    process.stdout.write(`${reader}: ${counts}, ${findings.length} findings\n`);
    for (const { kind, detail, times, file } of findings)
      process.stdout.write(`  ${kind}, ${times} times: ${detail.split('\n').slice(0, 3).join(' ')}\n    ${file}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  return results.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

function showReplayed(replayed: readonly Replayed[], json: boolean | undefined): number {
  if (json) process.stdout.write(`${JSON.stringify(replayed)}\n`);
  else {
    for (const { reader, file, outcome } of replayed)
      process.stdout.write(
        `${reader}: ${file}: ${typeof outcome === 'string' ? outcome : `${outcome.kind}: ${outcome.detail}`}\n`,
      );
  }
  return replayed.some(({ outcome }) => typeof outcome !== 'string') ? 1 : 0;
}

const program = new Command('fuzz')
  .description('damaged and hostile files for every reader, made from a seed')
  .addArgument(new Argument('[readers...]', 'of those below; default: all').choices(readerNames()))
  .option('--inputs <N>', 'inputs of each reader', wholeNumber, usualInputs)
  .option('--seed <S>', 'of the inputs', wholeNumber, 0)
  .option('--first <I>', 'number of the first input: to go on, or for one alone', wholeNumber, 0)
  .option('--out <folder>', 'where findings are written', 'fuzz-findings')
  .option('--corpus', 'read the inputs of apps/fuzz/corpus again, and no others')
  .option('--replay <file>', 'read one input again, by the reader that is named')
  .option('--json', 'print results as JSON')
  .addHelpText('after', help)
  .action(async (only: readonly string[], options: FuzzCommandOptions, command: Command) => {
    const [reader, ...others] = only;
    if (options.replay !== undefined && (reader === undefined || others.length > 0))
      command.error('error: --replay needs the name of one reader');
    process.exitCode =
      options.replay !== undefined
        ? showReplayed(await replay(reader!, [options.replay]), options.json)
        : options.corpus
          ? showReplayed(await replayCorpus(only), options.json)
          : await runAll(only, options);
  });
await program.parseAsync();
