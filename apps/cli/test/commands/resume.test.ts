import { existsSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@ddcl/core';
import { modelFromBytes } from '@ddcl/core/fit';
import { readSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusters, csv, ddclInTurn, ddclProcess, npy, succeed, testFolder, type Ended } from './support.ts';

/**
 * The acceptance run has ten kills of a longer fit: DDCL_TEST_KILLS=10 DDCL_TEST_EPOCHS=600, once more with
 * DDCL_TEST_RESTARTS=2. DDCL_TEST_SEED chooses other moments.
 */
const setting = (name: string, otherwise: number): number => Number(process.env[`DDCL_TEST_${name}`] ?? otherwise);
const kills = setting('KILLS', 3);
const epochs = setting('EPOCHS', 100);
const restarts = setting('RESTARTS', 1);
const seed = setting('SEED', 1);
const patience = { timeout: 60_000 + kills * 30_000 };

const folder = testFolder();
const tokens = clusters(3000, 16, 12);
const command = (out: string, ...rest: string[]): string[] => [
  'fit',
  folder.at('tokens.npy'),
  '--prototypes',
  '12',
  // Several steps an epoch, so that fits are stopped within shuffled epochs too.
  '--batch',
  '750',
  '--restarts',
  String(restarts),
  '--epochs',
  String(epochs),
  '--out',
  folder.at(out),
  ...rest,
];
const results = ['model.safetensors', 'history.jsonl'];
const resultsOf = (out: string): string[] => results.map((name) => folder.read(`${out}/${name}`).toString('base64'));

let reference: string[];
/** Of the uninterrupted fit, in milliseconds. */
let duration = 0;

beforeAll(async () => {
  folder.write('tokens.npy', npy([3000, 16], 'float32', tokens.flat));
  const began = performance.now();
  await succeed(command('whole', '--json'), {});
  duration = performance.now() - began;
  reference = resultsOf('whole');
}, patience.timeout);

/** Runs a command and sends a signal after some milliseconds, unless it has ended by then. */
function interrupted(args: readonly string[], signal: NodeJS.Signals, after: () => Promise<void>): Promise<Ended> {
  return ddclProcess(args, { onStart: (child) => void after().then(() => child.kill(signal)) });
}

/** What lies under a final name must be whole. */
function checkFiles(out: string): void {
  if (!existsSync(folder.at(out))) return;
  for (const name of readdirSync(folder.at(out))) {
    if (/\.(tmp|lock)$/.test(name)) continue;
    const bytes = folder.read(`${out}/${name}`);
    if (name === 'checkpoint.safetensors') readSafetensors(bytes);
    else if (name === 'model.safetensors') modelFromBytes(bytes);
    else if (name === 'config.json') JSON.parse(bytes.toString());
    else if (name === 'report.html') expect(bytes.toString()).toMatch(/<\/html>\s*$/);
    else if (name === 'history.jsonl')
      bytes
        .toString()
        .trimEnd()
        .split('\n')
        .forEach((line) => void JSON.parse(line));
    else expect.unreachable(`there is a file ${name}`);
  }
}

async function untilCheckpoint(out: string): Promise<void> {
  while (!existsSync(folder.at(`${out}/checkpoint.safetensors`))) await wait(5);
}

describe('an interrupted fit', () => {
  it(`ends with the same bytes after ${kills} kills`, patience, async () => {
    const random = createRandom(seed);
    const moments: number[] = [];
    let finished = 0;
    let killed = 0;
    while (killed < kills || existsSync(folder.at('killed'))) {
      const after = killed < kills ? Math.round(random.uniform() * duration) : Infinity;
      const pause = after === Infinity ? new Promise<void>(() => {}) : wait(after);
      const { status, stderr } = await interrupted(command('killed', '--resume'), 'SIGKILL', () => pause);
      checkFiles('killed');
      expect(stderr).toBe('');
      if (status === null) {
        killed++;
        moments.push(after);
        continue;
      }
      expect(status).toBe(0);
      const note = `seed ${seed}, killed after ${moments.join(', ')} ms of ${Math.round(duration)}`;
      expect(
        resultsOf('killed').map((bytes, index) => bytes === reference[index]),
        note,
      ).toEqual([true, true]);
      expect(readdirSync(folder.at('killed')).sort(), note).toEqual([
        'config.json',
        'history.jsonl',
        'model.safetensors',
        'report.html',
      ]);
      rmSync(folder.at('killed'), { recursive: true });
      finished++;
    }
    if (process.env['DDCL_TEST_KILLS'] !== undefined) {
      process.stderr.write(
        `seed ${seed}, ${restarts} restarts, a fit of ${Math.round(duration)} ms, killed after ${moments.join(', ')} ms, ${finished} times finished\n`,
      );
    }
  });

  it('by Ctrl-C leaves a checkpoint, exits with 130 and goes on with --resume', patience, async () => {
    const { status, stdout, stderr } = await interrupted(command('stopped'), 'SIGINT', () =>
      untilCheckpoint('stopped'),
    );
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).toBe('ddcl: stopped. Run the same command with --resume to go on.\n');
    expect(readdirSync(folder.at('stopped'))).toEqual(['checkpoint.safetensors']);

    const before = folder.read('stopped/checkpoint.safetensors');
    folder.write('other.npy', npy([3000, 16], 'float32', [...tokens.flat].reverse()));
    folder.write('fewer.npy', npy([2999, 16], 'float32', tokens.flat.subarray(16)));
    const again = command('stopped', '--resume');
    const refused = await ddclInTurn([
      command('stopped'),
      [...again, '--prototypes', '11'],
      [...again, '--seed', '5'],
      [...again, '--no-anneal'],
      [...again, '--learning-rate', '0.05'],
      [...again, '--normalize'],
      [...again, '--dtype', 'float64'],
      again.map((word) => word.replace('tokens.npy', 'other.npy')),
      again.map((word) => word.replace('tokens.npy', 'fewer.npy')),
    ]);
    const texts = [
      'Go on with the interrupted fit by --resume',
      'prototypes was 12, is 11',
      'seed was 0, is 5',
      'anneal was true, is false',
      'learning rate was 0.3, is 0.05',
      'normalize was false, is true',
      'dtype was float32, is float64',
      'other data',
      'number of tokens was 3000, is 2999',
    ];
    for (const [index, text] of texts.entries()) {
      expect(refused[index]).toMatchObject({ status: 2, stdout: '' });
      expect(refused[index]!.stderr).toMatch(/^ddcl: [^\n]+\n$/);
      expect(refused[index]!.stderr).toContain(text);
    }
    expect(folder.read('stopped/checkpoint.safetensors').equals(before)).toBe(true);

    await succeed(again);
    expect(resultsOf('stopped')).toEqual(reference);
    expect(existsSync(folder.at('stopped/checkpoint.safetensors'))).toBe(false);
  });
});

describe('--resume', () => {
  it('starts afresh where there is no checkpoint, and refuses another fit than that of the folder', async () => {
    folder.write('small.csv', csv(clusters(60, 3, 3)));
    const small = (...rest: string[]): string[] => [
      'fit',
      folder.at('small.csv'),
      '--prototypes',
      '3',
      '--epochs',
      '30',
      ...rest,
    ];
    const ended = await ddclInTurn([
      small('--out', folder.at('plain')),
      small('--resume', '--out', folder.at('fresh')),
      small('--resume', '--out', folder.at('fresh')),
      small('--resume', '--columns', 'c0,c1', '--out', folder.at('fresh')),
      small('--resume', '--epochs', '31', '--out', folder.at('fresh')),
    ]);
    expect(ended.map(({ status }) => status)).toEqual([0, 0, 0, 2, 2]);
    expect(ended[3]!.stderr).toContain('columns was c0,c1,c2, is c0,c1');
    expect(ended[4]!.stderr).toContain('epochs was 30, is 31');
    expect(resultsOf('fresh')).toEqual(resultsOf('plain'));
  });
});
