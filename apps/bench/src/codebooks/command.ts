import { existsSync, readFileSync } from 'node:fs';
import { ortBackend, type OrtRuntime } from '@ddcl/backend-ort';
import { Command, InvalidArgumentError } from 'commander';
import * as ort from 'onnxruntime-node';
import { progress, wholeNumber, writeWhole } from '../command-line.ts';
import { machine, peerVersions, versionOf } from '../machine.ts';
import { compareCodebooks, type CodebookWork } from './compare-codebooks.ts';
import { formatCodebooks } from './page.ts';

const parts: readonly string[] = ['nearest', 'step', 'encode'] satisfies CodebookWork['part'][];

interface CodebooksCommand {
  readonly parts: readonly string[];
  readonly codes: readonly number[];
  readonly vectors: number;
  readonly rounds: number;
  readonly threads: number;
  readonly python?: string;
  readonly json?: boolean;
  readonly out?: string;
}

/** The sizes of the comparison: those that its aims were set for. */
function worksOf({ parts: asked, codes, vectors }: CodebooksCommand): CodebookWork[] {
  const tokens = { dimension: 64 };
  const works: CodebookWork[] = [
    ...codes.map((count) => ({ part: 'nearest', shape: { ...tokens, tokens: 65_536, codes: count } }) as const),
    { part: 'step', shape: { ...tokens, tokens: 16_384, codes: 1024 } },
    { part: 'encode', shape: { vectors, dimension: 384, groups: 48 } },
  ];
  return works.filter(({ part }) => asked.includes(part));
}

async function runCodebooks(options: CodebooksCommand): Promise<void> {
  const { threads, python, out, json } = options;
  const backend = await ortBackend({ runtime: ort as unknown as OrtRuntime, threads });
  const onRound = (title: string, round: number): void => progress(`${title}: round ${round + 1}`);
  const compared = await compareCodebooks(backend, worksOf(options), { ...options, python, onRound });
  backend.dispose();
  progress('');
  const peers = python === undefined ? [] : peerVersions(python, ['torch', 'faiss-cpu']);
  const frame = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: [
      `Node ${process.version.slice(1)}`,
      ...['onnxruntime-node', '@tensorflow/tfjs-core'].map((name) => `${name} ${versionOf(name)}`),
      ...peers,
    ].join(', '),
    // Where Python and the page lie on this machine is nobody's business.
    command: ['node apps/bench/dist/main.js', ...process.argv.slice(2)]
      .map((word) => (word === python ? 'PYTHON' : word === out ? 'FILE.md' : word))
      .join(' '),
    threads,
  };
  if (out !== undefined) {
    writeWhole(out, formatCodebooks(compared, frame, existsSync(out) ? readFileSync(out, 'utf8') : ''));
  }
  process.stdout.write(`${json ? JSON.stringify({ ...frame, compared }) : formatCodebooks(compared, frame)}\n`);
}

function partList(text: string): string[] {
  const asked = text.split(',').map((word) => word.trim());
  const unknown = asked.find((word) => !parts.includes(word));
  if (unknown === undefined) return asked;
  throw new InvalidArgumentError(`Expected some of ${parts.join(', ')}, got '${unknown}'.`);
}

const numbers = (text: string): number[] => text.split(',').map((word) => wholeNumber(word.trim()));

/** `bench codebooks`. */
export function codebooksCommand(): Command {
  return new Command('codebooks')
    .description(
      'nearest codes, a DDCL training step and product quantization beside tfjs, PyTorch and faiss, in turns',
    )
    .option('--python <path>', 'a Python with torch and faiss (apps/bench/peers); without it they are left out')
    .option('--parts <list>', `of ${parts.join(', ')}`, partList, [...parts])
    .option('--codes <list>', 'codes that the nearest are of', numbers, [1024, 16_384])
    .option('--vectors <N>', 'vectors to encode', wholeNumber, 200_000)
    .option('--rounds <N>', 'rounds; each contestant runs once in each', wholeNumber, 5)
    .option('--threads <N>', 'threads of all contestants that have them', wholeNumber, 2)
    .option('--out <file.md>', 'write the page; sections of one that is there stay unless they are measured again')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ node apps/bench/dist/main.js codebooks --python peers-venv/bin/python --out docs/results/codebook-speed.md
  $ node apps/bench/dist/main.js codebooks --python peers-venv/bin/python --parts encode --vectors 1000000 --rounds 3`,
    )
    .action(runCodebooks);
}
