import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@ddcl/core';
import { beforeAll, expect, it } from 'vitest';
import { clusters, ddclProcess, npy, succeed, testFolder } from './support.ts';
import { reviews, writeEncoder } from './text-support.ts';

/** DDCL_TEST_KILLS=104 is the acceptance run, eight of each command; DDCL_TEST_SEED chooses other moments. Default: one of each. */
const random = createRandom(Number(process.env['DDCL_TEST_SEED'] ?? 1));
const folder = testFolder();

interface Killed {
  readonly args: (out: string) => string[];
  /** What its output is called, from a name. */
  readonly out: (name: string) => string;
  /** What makes it go on, where its out folder may hold something. */
  readonly resume?: readonly string[];
  /** Ends the name of a file that it keeps beside its output. */
  readonly beside?: string;
}

const at = (name: string): string => folder.at(name);
const same = (name: string): string => name;
let encoder = '';
const texts = (name: string): string[] => ['--text', at(name), '--encoder', encoder, '--labels', 'topic'];
const two = (counts: string): string[] => ['--prototypes', counts, '--epochs', '2', '--restarts', '1'];
const few = '--backend cpu --prototypes 3 --steps 20 --seeds 2 --vectors 2 --queries 10'.split(' ');

const commands: Readonly<Record<string, Killed>> = {
  fit: {
    args: (out) => ['fit', at('x.npy'), '--prototypes', '8', '--epochs', '60', '--out', out],
    out: same,
    resume: ['--resume'],
  },
  encode: {
    args: (out) => ['encode', at('model'), at('x.npy'), '--what', 'outputs', '--out', out],
    out: (name) => `${name}.npy`,
  },
  'encode-tokens': {
    args: (out) => ['encode-tokens', ...texts('t.jsonl'), '--shard-tokens', '500', '--out', out],
    out: same,
    resume: ['--resume'],
  },
  // It goes on from the rows that it keeps, whatever became of the run before.
  compare: {
    args: (out) => [
      'compare',
      '--train',
      at('few'),
      '--test',
      at('few'),
      ...few,
      '--resume',
      `${out}.rows.jsonl`,
      '--out',
      out,
    ],
    out: (name) => `${name}.md`,
    beside: '.rows.jsonl',
  },
  export: { args: (out) => ['export', at('model'), '--onnx', out], out: (name) => `${name}.onnx` },
  'vq fit': { args: (out) => ['vq', 'fit', at('x.npy'), '--codes', '16', '--steps', '300', '--out', out], out: same },
  'vq encode': {
    args: (out) => ['vq', 'encode', at('quantizer'), at('x.npy'), '--out', out],
    out: (name) => `${name}.codes`,
  },
  'hier fit': { args: (out) => ['hier', 'fit', at('x.npy'), ...two('8,3'), '--out', out], out: same },
  'hier encode': {
    args: (out) => ['hier', 'encode', at('hierarchy'), at('x.npy'), '--out', out],
    out: (name) => `${name}.jsonl`,
  },
  'hier update': { args: (out) => ['hier', 'update', at('hierarchy'), at('x.npy'), '--out', out], out: same },
  'hier shard': {
    args: (out) => ['hier', 'shard', at('hierarchy'), at('x.npy'), '--out', out],
    out: (name) => `${name}.safetensors`,
  },
  'hier merge': {
    args: (out) => ['hier', 'merge', at('hierarchy'), at('whole-hier-shard.safetensors'), '--out', out],
    out: same,
  },
  'hier topics': {
    args: (out) => ['hier', 'topics', at('topics'), at('t.jsonl'), '--vectors', at('shards'), '--html', out],
    out: (name) => `${name}.html`,
  },
};
const kills = Number(process.env['DDCL_TEST_KILLS'] ?? Object.keys(commands).length);

/** Files whose bytes a repetition gives again; config.json and the page of a fit have times. */
const isResult = (name: string): boolean =>
  /\.(safetensors|npy|codes|onnx|jsonl)$/.test(name) && name !== 'checkpoint.safetensors';

/** A file's bytes as text, without the times that `compare` measured: they differ from run to run, and with them the width of their column. */
function content(file: string): string {
  const text = readFileSync(file, 'latin1');
  if (file.endsWith('.rows.jsonl')) return text.replace(/("microsecondsPerDocument":)[\d.e-]+/g, '$1');
  return file.endsWith('.md') ? text.replace(/[^|\n]*\|$/gm, '') : text;
}

/** Results by name, those of a file under the name of its ending. */
function resultsOf(out: string, beside: string | undefined): ReadonlyMap<string, string> {
  const isFolder = existsSync(out) && statSync(out).isDirectory();
  const names = isFolder
    ? readdirSync(out)
        .filter(isResult)
        .map((name) => `/${name}`)
    : ['', ...(beside === undefined ? [] : [beside])];
  return new Map(names.filter((name) => existsSync(out + name)).map((name) => [name, content(out + name)]));
}

/** Files that grow, a whole record at a time: what a kill cuts off is made again. */
const grows = (name: string): boolean => name === '/history.jsonl' || name === '.rows.jsonl';

const references = new Map<string, { readonly results: ReadonlyMap<string, string>; readonly milliseconds: number }>();

beforeAll(async () => {
  folder.write('x.npy', npy([4000, 16], 'float32', clusters(4000, 16, 12).flat));
  folder.write('t.jsonl', reviews(400));
  folder.write('few.jsonl', reviews(60));
  encoder = await writeEncoder(folder);
  await succeed(commands['fit']!.args(at('model')), {});
  await succeed(commands['vq fit']!.args(at('quantizer')), {});
  await succeed(commands['hier fit']!.args(at('hierarchy')), {});
  await succeed(['encode-tokens', ...texts('t.jsonl'), '--out', at('shards')], {});
  await succeed(['encode-tokens', ...texts('few.jsonl'), '--out', at('few')], {});
  await succeed(['hier', 'fit', at('shards'), ...two('6,2'), '--out', at('topics')], {});
  for (const [name, { args, out, beside }] of Object.entries(commands)) {
    const place = at(out(`whole-${name.replace(' ', '-')}`));
    const began = performance.now();
    await ddclProcess(args(place));
    references.set(name, { results: resultsOf(place, beside), milliseconds: performance.now() - began });
  }
}, 600_000);

it(
  `leaves no half file in ${kills} kills, and the same command then ends as if it had not been killed`,
  async () => {
    const names = Object.keys(commands);
    const counts = new Map<string, number>();
    for (let index = 0; index < kills; index++) {
      const name = names[index % names.length]!;
      const { args, out, resume = [], beside } = commands[name]!;
      const { results, milliseconds } = references.get(name)!;
      expect(results.size, name).toBeGreaterThan(0);
      const place = at(out(`killed-${index}`));
      // Most of a short command is the start of node; files are written at the end.
      const moment = milliseconds * (0.3 + 0.75 * random.uniform());
      const { status } = await ddclProcess(args(place), {
        onStart: (child) => void wait(moment).then(() => child.kill('SIGKILL')),
      });
      const outcome = status === null ? 'killed' : 'ended before';
      counts.set(`${name} ${outcome}`, (counts.get(`${name} ${outcome}`) ?? 0) + 1);
      for (const [file, bytes] of resultsOf(place, beside)) {
        const whole = results.get(file)!;
        expect(grows(file) ? whole.startsWith(bytes) : bytes === whole, `${name} ${file}`).toBe(true);
      }
      let again = await ddclProcess([...args(place), ...(status === null ? resume : [])]);
      if (again.status === 2 && /is not empty|nothing to resume/.test(again.stderr)) {
        // It was killed when its results were there, and says what to do.
        rmSync(place, { recursive: true });
        again = await ddclProcess(args(place));
      }
      expect([again.status, again.stderr], name).toEqual([0, again.stderr]);
      expect([...resultsOf(place, beside)].sort(), name).toEqual([...results].sort());
      // Nothing unfinished stays, beside it or in it.
      const left = [...readdirSync(folder.path), ...(statSync(place).isDirectory() ? readdirSync(place) : [])];
      expect(
        left.filter((each) => /\.tmp$|\.lock$/.test(each)),
        name,
      ).toEqual([]);
      rmSync(place, { recursive: true });
      if (beside !== undefined) rmSync(place + beside);
    }
    process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`);
  },
  60_000 + kills * 30_000,
);
