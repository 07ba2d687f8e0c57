import { cpus } from 'node:os';
import { cpuBackend } from '@ddcl/backend-cpu';
import { Command, InvalidArgumentError } from 'commander';
import { timeStep, type StepShape, type StepTiming } from './step.ts';

const shapes: readonly StepShape[] = [
  { tokens: 17892, dimension: 5, prototypes: 4 },
  { tokens: 8192, dimension: 64, prototypes: 64 },
  { tokens: 8192, dimension: 384, prototypes: 64 },
  { tokens: 4096, dimension: 768, prototypes: 256 },
];

function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`Expected a whole number >= 1, got '${text}'.`);
}

async function runStep({ runs, json }: { runs: number; json?: boolean }): Promise<void> {
  const backend = cpuBackend();
  const timings: StepTiming[] = [];
  for (const shape of shapes) {
    timings.push(await timeStep(backend, shape, runs));
    if (process.stderr.isTTY) process.stderr.write(`${timings.length}/${shapes.length} shapes\r`);
  }
  backend.dispose();
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  if (json) {
    process.stdout.write(`${JSON.stringify({ backend: 'cpu', machine, timings })}\n`);
    return;
  }
  const rows = timings.map(({ tokens, dimension, prototypes, milliseconds, gflops }) =>
    [
      tokens,
      dimension,
      prototypes,
      milliseconds.median.toFixed(2),
      milliseconds.min.toFixed(2),
      milliseconds.max.toFixed(2),
      gflops.toFixed(2),
    ].map(String),
  );
  const header = ['N', 'm', 'K', 'median ms', 'min', 'max', 'GFLOP/s'];
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ');
  process.stdout.write(
    `frozen-encoder step (L_q, gradient, Adam), float32, backend cpu, ${machine.processor}, Node ${machine.node}, ${runs} runs\n` +
      `${[header, ...rows].map(line).join('\n')}\n`,
  );
}

const program = new Command('bench').description('speed, measured on this machine; compare figures of one run only');
program
  .command('step')
  .description('GFLOP/s of the frozen-encoder training step on the CPU backend')
  .option('--runs <N>', 'timed runs per shape', wholeNumber, 20)
  .option('--json', 'print one JSON object on stdout')
  .action(runStep);
await program.parseAsync();
