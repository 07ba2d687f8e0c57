import { Command } from 'commander';
import { progress, wholeNumber, writeWhole } from '../command-line.ts';
import { machine, versionOf } from '../machine.ts';
import { compareFits, peerNames } from './compare-fits.ts';
import { formatFits } from './page.ts';

interface KMeansCommand {
  readonly prototypes: readonly number[];
  readonly seeds: number;
  readonly threads: number;
  readonly python: string;
  readonly backend: readonly string[];
  readonly peers: readonly string[];
  readonly tokenMemory?: number;
  readonly json?: boolean;
  readonly out?: string;
}

async function runKMeans(
  file: string,
  { backend, tokenMemory, json, out, threads, python, ...options }: KMeansCommand,
): Promise<void> {
  const asked = { ...options, file, backends: backend, tokenMemory, threads, python, onStage: progress };
  const comparison = await compareFits(asked);
  progress('');
  const page = formatFits(comparison, {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: `Node ${process.version.slice(1)}, onnxruntime-node ${versionOf('onnxruntime-node')}`,
    command: ['node apps/bench/dist/main.js', ...process.argv.slice(2)]
      .map((word) => (word === python ? 'PYTHON' : word === out ? 'FILE.md' : word === file ? 'TOKENS.npy' : word))
      .join(' '),
    threads,
  });
  if (out !== undefined) writeWhole(out, page);
  process.stdout.write(`${json ? JSON.stringify(comparison) : page}\n`);
}

const list = (text: string): string[] => text.split(',').map((word) => word.trim());

/** `bench k-means`. */
export function kMeansCommand(): Command {
  return new Command('k-means')
    .description('ddcl fit beside faiss and scikit-learn on the same tokens: time, hard error, memory')
    .argument('<tokens.npy>', 'float32 tokens [n, m]')
    .requiredOption('--python <path>', 'a Python with faiss and scikit-learn (apps/bench/peers)')
    .option('--prototypes <list>', 'numbers of prototypes', (text) => list(text).map(wholeNumber), [64, 512])
    .option('--seeds <N>', 'fits of each contestant', wholeNumber, 5)
    .option('--threads <N>', 'threads of the peers; ddcl takes the cores there are', wholeNumber, 2)
    .option('--backend <list>', 'backends of ddcl', list, ['ort'])
    .option('--peers <list>', `of ${peerNames.join(', ')}`, list, [...peerNames])
    .option('--token-memory <MiB>', 'of ddcl; tokens that take more are read anew for each pass', wholeNumber)
    .option('--out <file.md>', 'write the page')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ node apps/bench/dist/main.js k-means tokens.npy --python peers-venv/bin/python --out docs/results/k-means.md
  $ node apps/bench/dist/main.js k-means tokens.npy --python peers-venv/bin/python --prototypes 64 --backend ort,cpu --seeds 1`,
    )
    .action(runKMeans);
}
