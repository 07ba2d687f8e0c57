import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@ddcl/core';
import { beforeAll, expect, it } from 'vitest';
import { clusters, ddclProcess, npy, succeed, testFolder } from './support.ts';
import { reviews, writeEncoder } from './text-support.ts';

/** DDCL_TEST_KILLS=100 is the acceptance run; DDCL_TEST_SEED chooses other moments. */
const kills = Number(process.env['DDCL_TEST_KILLS'] ?? 8);
const random = createRandom(Number(process.env['DDCL_TEST_SEED'] ?? 1));
const folder = testFolder();

interface Killed {
  readonly args: (out: string) => string[];
  /** What its output is called, from a name. */
  readonly out: (name: string) => string;
  /** What makes it go on, where its out folder may hold something. */
  readonly resume?: readonly string[];
}

const at = (name: string): string => folder.at(name);
const same = (name: string): string => name;
let encoder = '';

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
    args: (out) => [
      'encode-tokens',
      '--text',
      at('t.jsonl'),
      '--encoder',
      encoder,
      '--shard-tokens',
      '500',
      '--out',
      out,
    ],
    out: same,
    resume: ['--resume'],
  },
  export: { args: (out) => ['export', at('model'), '--onnx', out], out: (name) => `${name}.onnx` },
  'vq fit': { args: (out) => ['vq', 'fit', at('x.npy'), '--codes', '16', '--steps', '300', '--out', out], out: same },
  'vq encode': {
    args: (out) => ['vq', 'encode', at('quantizer'), at('x.npy'), '--out', out],
    out: (name) => `${name}.codes`,
  },
  'hier fit': { args: (out) => ['hier', 'fit', at('x.npy'), '--prototypes', '8,3', '--out', out], out: same },
  'hier encode': {
    args: (out) => ['hier', 'encode', at('hierarchy'), at('x.npy'), '--out', out],
    out: (name) => `${name}.jsonl`,
  },
};

/** Files whose bytes a repetition gives again; config.json and the page have times. */
const isResult = (name: string): boolean =>
  /\.(safetensors|npy|codes|onnx|jsonl)$/.test(name) && name !== 'checkpoint.safetensors';

/** Results by name, those of a file under the name of its ending. */
function resultsOf(out: string): ReadonlyMap<string, string> {
  if (!existsSync(out)) return new Map();
  if (!statSync(out).isDirectory())
    return new Map([['', folder.read(out.slice(folder.path.length + 1)).toString('base64')]]);
  const names = readdirSync(out).filter(isResult);
  return new Map(
    names.map((name) => [name, folder.read(`${out.slice(folder.path.length + 1)}/${name}`).toString('base64')]),
  );
}

const references = new Map<string, { readonly results: ReadonlyMap<string, string>; readonly milliseconds: number }>();

beforeAll(async () => {
  folder.write('x.npy', npy([4000, 16], 'float32', clusters(4000, 16, 12).flat));
  folder.write('t.jsonl', reviews(400));
  encoder = await writeEncoder(folder);
  await succeed(commands['fit']!.args(at('model')), {});
  await succeed(commands['vq fit']!.args(at('quantizer')), {});
  await succeed(commands['hier fit']!.args(at('hierarchy')), {});
  for (const [name, { args, out }] of Object.entries(commands)) {
    const place = at(out(`whole-${name.replace(' ', '-')}`));
    const began = performance.now();
    await ddclProcess(args(place));
    references.set(name, { results: resultsOf(place), milliseconds: performance.now() - began });
  }
}, 600_000);

it(
  `leaves no half file in ${kills} kills, and the same command then ends as if it had not been killed`,
  async () => {
    const names = Object.keys(commands);
    const counts = new Map<string, number>();
    for (let index = 0; index < kills; index++) {
      const name = names[index % names.length]!;
      const { args, out, resume = [] } = commands[name]!;
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
      for (const [file, bytes] of resultsOf(place)) {
        // The history of a fit grows, a whole record at a time.
        if (file === 'history.jsonl')
          expect(results.get(file)!.startsWith(bytes.slice(0, -4)), `${name} ${file}`).toBe(true);
        else expect(bytes === results.get(file), `${name} ${file}`).toBe(true);
      }
      let again = await ddclProcess([...args(place), ...(status === null ? resume : [])]);
      if (again.status === 2 && /is not empty|nothing to resume/.test(again.stderr)) {
        // It was killed when its results were there, and says what to do.
        rmSync(place, { recursive: true });
        again = await ddclProcess(args(place));
      }
      expect([again.status, again.stderr], name).toEqual([0, again.stderr]);
      expect([...resultsOf(place)].sort(), name).toEqual([...results].sort());
      // Nothing unfinished stays, beside it or in it.
      const left = [...readdirSync(folder.path), ...(statSync(place).isDirectory() ? readdirSync(place) : [])];
      expect(
        left.filter((each) => /\.tmp$|\.lock$/.test(each)),
        name,
      ).toEqual([]);
      rmSync(place, { recursive: true });
    }
    process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`);
  },
  60_000 + kills * 30_000,
);
