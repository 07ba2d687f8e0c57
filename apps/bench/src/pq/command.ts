import { Command } from 'commander';
import { progress, wholeNumber, writeWhole } from '../command-line.ts';
import { machine, versionOf } from '../machine.ts';
import { comparePq, pqContestants } from './compare-pq.ts';
import { formatPq } from './page.ts';

interface PqCommand {
  readonly groups: readonly number[];
  readonly contestants: readonly string[];
  readonly threads: number;
  readonly python: string;
  readonly backend: string;
  readonly json?: boolean;
  readonly out?: string;
}

async function runPq(base: string, queries: string, options: PqCommand): Promise<void> {
  const { json, out, python } = options;
  const comparison = await comparePq({ ...options, base, queries, onStage: progress });
  progress('');
  const names = new Map([
    [python, 'PYTHON'],
    [out, 'FILE.md'],
    [base, 'BASE.npy'],
    [queries, 'QUERIES.npy'],
  ]);
  const page = formatPq(comparison, {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: `Node ${process.version.slice(1)}, onnxruntime-node ${versionOf('onnxruntime-node')}`,
    command: ['node apps/bench/dist/main.js', ...process.argv.slice(2)]
      .map((word) => names.get(word) ?? word)
      .join(' '),
    threads: options.threads,
  });
  if (out !== undefined) writeWhole(out, page);
  process.stdout.write(`${json ? JSON.stringify(comparison) : page}\n`);
}

const list = (text: string): string[] => text.split(',').map((word) => word.trim());

/** `bench pq`. */
export function pqCommand(): Command {
  return new Command('pq')
    .description('product quantization by ddcl vq beside faiss on the same vectors: error, recall@10')
    .argument('<base.npy>', 'float32 vectors [n, m] to learn from and to search among')
    .argument('<queries.npy>', 'others [q, m] to search for')
    .requiredOption('--python <path>', 'a Python with faiss (apps/bench/peers)')
    .option('--groups <list>', 'bytes a vector', (text) => list(text).map(wholeNumber), [48, 96])
    .option('--contestants <list>', `of ${pqContestants.join(', ')}`, list, [...pqContestants])
    .option('--threads <N>', 'threads of the peer', wholeNumber, 2)
    .option('--backend <name>', 'of ddcl', 'ort')
    .option('--out <file.md>', 'write the page')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
Example:
  $ node apps/bench/dist/main.js pq base.npy queries.npy --python peers-venv/bin/python --out docs/results/product-quantization.md`,
    )
    .action(runPq);
}
