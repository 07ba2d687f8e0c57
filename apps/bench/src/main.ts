import { cpuBackend } from '@ddcl/backend-cpu';
import { ortBackend, type OrtRuntime } from '@ddcl/backend-ort';
import { isDdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import * as ort from 'onnxruntime-node';
import { drawRatios } from './compare/chart.ts';
import { compareShape, type ShapeComparison } from './compare/compare-shape.ts';
import { formatReport, type Report } from './compare/markdown.ts';
import { shardNames } from './fit/repeat-shards.ts';
import { formatFit, timeFit } from './fit/time-fit.ts';
import { tfjsCommand } from './tfjs/command.ts';
import { codebooksCommand } from './codebooks/command.ts';
import { kMeansCommand } from './k-means/command.ts';
import { pqCommand } from './pq/command.ts';
import { quantizersCommand } from './quantizers/command.ts';
import { progress, wholeNumber, writeWhole } from './command-line.ts';
import { machine, pythonVersion, versionOf } from './machine.ts';
import { formatMemory, measureMemory, measureMemoryApart } from './compare/memory.ts';
import { measureOverhead } from './measure/overhead.ts';
import { formatReadout, timeReadout, type ReadoutShape } from './readout.ts';
import { formatSteps, stepShapes } from './step-table.ts';
import { timeStep, type StepShape, type StepTiming } from './measure/step.ts';

const runtime = ort as unknown as OrtRuntime;

/** The shapes that backends are compared on. */
const shapes: readonly StepShape[] = [
  { tokens: 8192, dimension: 384, prototypes: 64 },
  { tokens: 16384, dimension: 128, prototypes: 1024 },
  { tokens: 4096, dimension: 768, prototypes: 256 },
  { tokens: 65536, dimension: 128, prototypes: 64 },
  { tokens: 4096, dimension: 256, prototypes: 8192 },
];

/** `8192,384,64;4096,768,256`. */
function shapeList(text: string): StepShape[] {
  return text.split(';').map((each) => {
    const sizes = each.split(',').map((size) => size.trim());
    if (sizes.length !== 3) throw new InvalidArgumentError(`Expected N,m,K, got '${each}'.`);
    const [tokens, dimension, prototypes] = sizes.map(wholeNumber) as [number, number, number];
    return { tokens, dimension, prototypes };
  });
}

const createBackend = (name: string, threads?: number): Promise<Backend> =>
  name === 'cpu'
    ? Promise.resolve(cpuBackend())
    : ortBackend({ runtime, ...(threads === undefined ? {} : { threads }) });

async function runStep({
  runs,
  json,
  backend: name,
}: {
  runs: number;
  json?: boolean;
  backend: string;
}): Promise<void> {
  const backend = await createBackend(name);
  const timings: StepTiming[] = [];
  for (const shape of stepShapes) {
    timings.push(await timeStep(backend, shape, runs));
    progress(`${timings.length}/${stepShapes.length} shapes`);
  }
  backend.dispose();
  progress('');
  const text = json
    ? JSON.stringify({ backend: name, machine: machine(), node: process.version, timings })
    : `frozen-encoder step (L_q, gradient, Adam), float32, backend ${name}, ${machine()}, Node ${process.version}, ${runs} runs\n${formatSteps(timings)}`;
  process.stdout.write(`${text}\n`);
}

interface CompareCommand {
  readonly shapes: readonly StepShape[];
  readonly rounds: number;
  readonly threads: number;
  readonly steps: number;
  readonly python?: string;
  readonly tfjs: boolean;
  readonly json?: boolean;
  readonly out?: string;
}

async function runCompare(options: CompareCommand): Promise<void> {
  const { rounds, threads, python, tfjs, out } = options;
  const backend = await createBackend('ort', threads);
  const comparisons: ShapeComparison[] = [];
  for (const shape of options.shapes) {
    const label = `${shape.tokens}, ${shape.dimension}, ${shape.prototypes}`;
    const onRound = (round: number): void => progress(`${label}: round ${round + 1} of ${rounds}`);
    comparisons.push(await compareShape(backend, shape, { rounds, threads, python, tfjs, onRound }));
  }
  const small = await createBackend('ort', 1);
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions: [
      `Node ${process.version.slice(1)}`,
      `onnxruntime-node ${versionOf('onnxruntime-node')}`,
      `PyTorch ${comparisons[0]?.torch ?? 'left out'}${python === undefined ? '' : ` (${pythonVersion(python)})`}`,
      `tfjs ${versionOf('@tensorflow/tfjs-core')}`,
    ].join(', '),
    // Where Python and the page lie on this machine is nobody's business.
    command: ['node apps/bench/dist/main.js', ...process.argv.slice(2)]
      .map((word) => (word === python ? 'PYTHON' : word === out ? 'FILE.md' : word))
      .join(' '),
    threads,
    rounds,
    comparisons,
    overhead: await measureOverhead(small, runtime, 2000),
    memory: measureMemoryApart('ort', options.steps),
  };
  small.dispose();
  backend.dispose();
  progress('');
  if (out !== undefined) {
    writeWhole(out, formatReport(report));
    writeWhole(out.replace(/\.md$/, '.svg'), drawRatios(comparisons));
  }
  process.stdout.write(`${options.json ? JSON.stringify(report) : formatReport(report)}\n`);
}

async function runMemory(options: { backend: string; steps: number; json?: boolean }): Promise<void> {
  const backend = await createBackend(options.backend, 1);
  const onStep = (step: number): void => void (step % 500 === 0 && progress(`memory: step ${step}`));
  const course = await measureMemory(backend, options.steps, onStep);
  backend.dispose();
  progress('');
  process.stdout.write(`${options.json ? JSON.stringify(course) : formatMemory(course)}\n`);
}

interface ReadoutCommand extends ReadoutShape {
  readonly rounds: number;
  readonly threads: number;
  readonly encoder?: string;
  readonly json?: boolean;
}

async function runReadout({ rounds, threads, encoder, json, ...shape }: ReadoutCommand): Promise<void> {
  const backend = await createBackend('ort', threads);
  const session =
    encoder === undefined
      ? undefined
      : await ort.InferenceSession.create(encoder, { intraOpNumThreads: threads, logSeverityLevel: 3 });
  const tensor = (ids: BigInt64Array, dims: number[]): ort.Tensor => new ort.Tensor('int64', ids, dims);
  const timing = await timeReadout(backend, shape, rounds, session && { session, tensor });
  await session?.release();
  backend.dispose();
  const text = json ? JSON.stringify({ machine: machine(), node: process.version, ...timing }) : formatReadout(timing);
  process.stdout.write(`${text}\n`);
}

interface FitCommand {
  readonly copies: number;
  readonly prototypes: number;
  readonly epochs: number;
  readonly backend: string;
  readonly json?: boolean;
}

async function runFit(shards: string, { json, ...options }: FitCommand): Promise<void> {
  shardNames(shards);
  const backend = await createBackend(options.backend);
  const timing = await timeFit(backend, { ...options, shards, onStage: progress });
  backend.dispose();
  progress('');
  const text = json
    ? JSON.stringify({ machine: machine(), node: process.version, backend: options.backend, ...timing })
    : `${machine()}, Node ${process.version}, backend ${options.backend}\n${formatFit(timing)}`;
  process.stdout.write(`${text}\n`);
}

const program = new Command('bench')
  .description('speed, measured on this machine; compare figures of one run only')
  .exitOverride();
program
  .command('step')
  .description('GFLOP/s of the frozen-encoder training step on one backend')
  .addOption(new Option('--backend <name>').choices(['cpu', 'ort']).default('cpu'))
  .option('--runs <N>', 'timed runs per shape', wholeNumber, 20)
  .option('--json', 'print one JSON object on stdout')
  .action(runStep);
program
  .command('readout')
  .description('readouts against mean pooling in plain loops, and against the encoder, per document')
  .option('--documents <N>', 'documents per encode', wholeNumber, 256)
  .option('--length <N>', 'tokens per document', wholeNumber, 128)
  .option('--dimension <N>', 'numbers per token', wholeNumber, 384)
  .option('--prototypes <K>', 'number of prototypes', wholeNumber, 64)
  .option('--rounds <N>', 'rounds; each contestant runs once in each', wholeNumber, 15)
  .option('--threads <N>', 'threads of the backend and the encoder', wholeNumber, 2)
  .option('--encoder <model.onnx>', 'an encoder to compare with')
  .option('--json', 'print one JSON object on stdout')
  .action(runReadout);
program
  .command('fit')
  .description('ddcl fit on token shards: its rate against the bare training step, where its time goes, its memory')
  .argument('<folder>', "token shards, as 'ddcl encode-tokens' writes them")
  .option('--copies <N>', 'repeat the shards N times, in a temporary folder', wholeNumber, 1)
  .option('--prototypes <K>', 'number of prototypes', wholeNumber, 256)
  .option('--epochs <N>', 'passes over the tokens', wholeNumber, 1)
  .addOption(new Option('--backend <name>').choices(['cpu', 'ort']).default('ort'))
  .option('--json', 'print one JSON object on stdout')
  .action(runFit);
program.addCommand(kMeansCommand());
program.addCommand(pqCommand());
program.addCommand(quantizersCommand());
program.addCommand(codebooksCommand());
program.addCommand(tfjsCommand());
program
  .command('memory')
  .description('resident memory on the way through many small steps (run node with --expose-gc for steadier figures)')
  .addOption(new Option('--backend <name>').choices(['cpu', 'ort']).default('ort'))
  .option('--steps <N>', 'steps', wholeNumber, 10_000)
  .option('--json', 'print one JSON object on stdout')
  .action(runMemory);
program
  .command('compare')
  .description('ONNX Runtime against PyTorch, tfjs and its own matrix products, in one run')
  .option('--shapes <list>', 'N,m,K;N,m,K;...', shapeList, [...shapes])
  .option('--rounds <N>', 'rounds; each contestant runs once in each', wholeNumber, 20)
  .option('--threads <N>', 'threads of all contestants that have them', wholeNumber, 2)
  .option('--steps <N>', 'small steps during which memory is watched', wholeNumber, 10_000)
  .option('--python <path>', 'a Python with torch (apps/bench/peers); without it PyTorch is left out')
  .option('--no-tfjs', 'leave tfjs out')
  .option('--out <file.md>', 'write the page, and a chart beside it')
  .option('--json', 'print one JSON object on stdout')
  .addHelpText(
    'after',
    `
Examples:
  $ node apps/bench/dist/main.js compare --python peers-venv/bin/python --out docs/results/backend-ort.md
  $ node apps/bench/dist/main.js compare --shapes '4096,64,32' --rounds 5 --no-tfjs`,
  )
  .action(runCompare);
try {
  await program.parseAsync();
} catch (error) {
  if (isDdclError(error) && error.code === 'argument') {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else if (error instanceof CommanderError) {
    // commander has said what is wrong with the arguments.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else throw error;
}
