import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createRandom } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../data/fixtures.ts';
import { ddclProcess, npy, testFolder } from './support.ts';

const folder = testFolder();

beforeAll(() => {
  const random = createRandom(1);
  const numbers = Float32Array.from({ length: 6000 * 256 }, () => random.uniform());
  folder.write('wide.npy', npy([6000, 256], 'float32', numbers));
  folder.write('narrow.npy', npy([48_000, 32], 'float32', numbers));
  folder.write('many.csv.gz', gzipSync(`a,b\n${'1.25,2.5\n'.repeat(1e7)}`));
  folder.write('many.jsonl.gz', gzipSync('{"a":1.25,"b":2.5}\n'.repeat(5e6)));
  folder.write('cells.csv.gz', gzipSync(`${'1,'.repeat(1e5)}2\n`.repeat(200)));
  // A page's header says that a run goes on for 2^53 values.
  const endless = Buffer.from(fixture('pq_gzip_v2'));
  endless[60] = 128;
  folder.write('endless.parquet', endless);
});

/** Long enough for the slowest of machines: none of these would end by itself so soon. */
const within = 20_000;

/** Runs a command until its out folder is there and a little longer, sends a signal, and tells how long it then took to end. */
async function stopped(
  args: readonly string[],
  signal: NodeJS.Signals,
  after: number,
): Promise<{ readonly status: number | null; readonly stderr: string; readonly took: number }> {
  const out = folder.at(`out-${signal}-${args.join('-').replace(/\W+/g, '-')}`);
  let sent = 0;
  const { status, stderr } = await ddclProcess([...args, '--out', out], {
    env: { DDCL_MAX_UNPACKED_MB: '1000000' },
    onStart(child) {
      void (async () => {
        while (!existsSync(out) && child.exitCode === null) await wait(10);
        await wait(after);
        sent = performance.now();
        child.kill(signal);
        await wait(within);
        child.kill('SIGKILL');
      })();
    },
  });
  return { status, stderr, took: performance.now() - sent };
}

describe('Ctrl-C and SIGTERM end a command', () => {
  it.each([
    ['in a fit of wide tokens', ['fit', 'wide.npy', '--prototypes', '64', '--epochs', '100000'], 'SIGINT', 1500],
    ['in its first pass', ['fit', 'wide.npy', '--prototypes', '64', '--epochs', '100000'], 'SIGTERM', 0],
    ['in a fit of many prototypes', ['fit', 'narrow.npy', '--prototypes', '512', '--epochs', '100000'], 'SIGINT', 1000],
    [
      'in float64',
      ['fit', 'narrow.npy', '--prototypes', '8', '--epochs', '100000', '--dtype', 'float64'],
      'SIGTERM',
      1000,
    ],
    ['while Parquet is decoded', ['fit', 'endless.parquet', '--prototypes', '2'], 'SIGINT', 500],
    ['the same, by SIGTERM', ['fit', 'endless.parquet', '--prototypes', '2'], 'SIGTERM', 500],
    ['while a packed .csv is read', ['fit', 'many.csv.gz', '--prototypes', '2'], 'SIGINT', 300],
    ['while a packed .jsonl is read', ['fit', 'many.jsonl.gz', '--prototypes', '2'], 'SIGTERM', 300],
    ['in rows of 100,000 cells', ['fit', 'cells.csv.gz', '--prototypes', '2'], 'SIGINT', 300],
    ['in a fit of a codebook', ['vq', 'fit', 'wide.npy', '--codes', '256', '--steps', '1000000'], 'SIGINT', 1000],
    [
      'in a fit of a hierarchy',
      ['hier', 'fit', 'wide.npy', '--prototypes', '32,8', '--epochs', '100000'],
      'SIGTERM',
      1000,
    ],
  ] as const)('%s', async (_, [...args], signal, after) => {
    const paths = args.map((arg) => (/\.\w+$/.test(arg) ? folder.at(arg) : arg));
    const { status, stderr, took } = await stopped(paths, signal, after);
    if (process.env['DDCL_TEST_TIMES'] === '1') process.stdout.write(`${_}: ${took.toFixed(0)} ms\n`);
    expect(stderr).toMatch(/^ddcl: stopped\.[^\n]*\n$/);
    expect(status).toBe(130);
    expect(took).toBeLessThan(within);
  });
});

describe.skipIf(process.platform === 'win32')('a pipe in the place of a file', () => {
  it.each([
    ['fit', '--prototypes', '2', '--out', 'out-pipe'],
    ['measure'],
    ['fit', 'wide.npy', '--prototypes', '2', '--out', 'out-labels', '--labels'],
  ])('is refused at once: %s', async (command, ...rest) => {
    const pipe = folder.at(`pipe-${rest.length}.csv`);
    expect(spawnSync('/bin/sh', ['-c', 'mkfifo "$0"', pipe]).status).toBe(0);
    const isLast = rest.at(-1) === '--labels';
    const options = rest.map((arg) => (/^out|npy$/.test(arg) ? folder.at(arg) : arg));
    const { status, stderr } = await ddclProcess(
      [
        command,
        ...(isLast || command === 'fit' ? [] : [folder.at('wide.npy')]),
        ...(isLast ? [] : [pipe]),
        ...options,
        ...(isLast ? [pipe] : []),
      ],
      { onStart: (child) => void wait(within).then(() => child.kill('SIGKILL')) },
    );
    expect(stderr).toMatch(/^ddcl: [^\n]*\n$/);
    expect(status).toBe(2);
  });
});
