import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vocabulary } from '../tiny-bert/word-piece.ts';
import { writeTinyBert } from '../tiny-bert/write-tiny-bert.ts';
import { firstHour } from './first-hour.ts';
import { codeBlocks, installPublished, readmes, root, run } from './installed.ts';
import { describe, expect, it } from 'vitest';

/*
 * The commands of the READMEs, and the first hour of somebody who follows them, with the packages that are published. Each is a process or more, which
 * makes minutes in all.
 */

const { work } = await installPublished();

describe.each(readmes)('%s', (path) => {
  it('has commands that work', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const folder = await mkdtemp(join(work, 'commands-'));
    await writeFile(join(folder, 'tokens.npy'), exampleTokens());
    await writeTinyBert(join(folder, 'encoder'));
    for (const [index, name] of ['train', 'test'].entries())
      await writeFile(join(folder, `${name}.jsonl`), exampleTexts(index));
    for (const block of codeBlocks(await readFile(join(root, path), 'utf8'), 'sh')) {
      for (const line of block.trim().split('\n')) {
        const [program, ...args] = line.split(' ') as [string, ...string[]];
        if (program === 'npx') {
          const { packages, rest } = readNpx(args);
          expect(packages).toContain('@ddcl/cli');
          // npx installs what is named, with its dependencies, and nothing else.
          const missing = packages.includes('onnxruntime-node') ? {} : { NODE_OPTIONS: await withoutOrt() };
          const options = { cwd: folder, env: { ...process.env, ...missing } };
          await run(join(work, 'node_modules', '.bin', 'ddcl'), rest, options);
        } else if (args[0] === 'install') {
          // What is installed here is what was packed above.
          for (const name of args.slice(1)) await stat(join(work, 'node_modules', name));
        } else {
          const script = args[0] === 'run' ? args[1] : args[0];
          expect(program).toBe('npm');
          expect(Object.keys(manifest.scripts)).toContain(script);
        }
      }
    }
  }, 600_000);
});

/** Short texts of words that the encoder knows, with labels, a line each. */
function exampleTexts(seed: number): string {
  const words = vocabulary.filter((word) => /^[a-z]{3,}$/.test(word));
  return Array.from({ length: 12 }, (_, line) => {
    const text = Array.from(
      { length: 4 },
      (_, place) => words[(line * 7 + place * (3 + seed) + (line % 2) * 5) % words.length],
    );
    return `${JSON.stringify({ text: text.join(' '), label: line % 2 })}\n`;
  }).join('');
}

/** The packages that npx is told to install, and the arguments of the command `ddcl`. */
function readNpx(args: readonly string[]): { packages: string[]; rest: string[] } {
  const packages: string[] = [];
  let place = 0;
  for (; args[place] === '-p'; place += 2) packages.push(args[place + 1]!);
  if (place === 0) return { packages: [args[0]!], rest: args.slice(1) };
  expect(args[place]).toBe('ddcl');
  return { packages, rest: args.slice(place + 1) };
}

/** `NODE_OPTIONS` of a process that does not find onnxruntime-node, which `work` has. */
async function withoutOrt(): Promise<string> {
  const file = join(work, 'without-ort.mjs');
  const hook = `export async function resolve(name, context, next) {
    if (name !== 'onnxruntime-node') return next(name, context);
    throw Object.assign(new Error("Cannot find package 'onnxruntime-node'"), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  await writeFile(
    file,
    `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});`,
  );
  return `--import ${pathToFileURL(file).href}`;
}

/** 400 tokens of dimension 4 around 8 places, as an .npy file. */
function exampleTokens(): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (400, 4), }`;
  const padded = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11) + '\n';
  const data = Float32Array.from(
    { length: 1600 },
    (_, index) => 3 * (Math.floor(index / 4) % 8) + Math.sin(index * index),
  );
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([padded.length & 255, padded.length >> 8]),
    Buffer.from(padded),
    Buffer.from(data.buffer),
  ]);
}

describe('the first hour', () => firstHour(() => work));
