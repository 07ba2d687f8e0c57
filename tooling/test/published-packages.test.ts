import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build, transform } from 'esbuild';
import { firstHour } from './first-hour.ts';
import { vocabulary } from '../tiny-bert/word-piece.ts';
import { softwareVulkan } from '../software-vulkan.ts';
import { writeTinyBert } from '../tiny-bert/write-tiny-bert.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * What is published, as users get it: packed, checked by publint and attw, installed into an empty folder, imported in
 * plain Node and bundled for a browser. Needs `npm run build` before (the test command does it).
 */

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

interface Published {
  readonly name: string;
  readonly folder: string;
  readonly exports: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
}

async function publishedPackages(): Promise<Published[]> {
  const groups = await Promise.all(
    ['packages', 'apps'].map(async (group) =>
      (await readdir(join(root, group))).map((name) => join(root, group, name)),
    ),
  );
  const manifests = await Promise.all(
    groups.flat().map(async (folder) => ({
      folder,
      ...(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest),
    })),
  );
  return manifests
    .filter((manifest) => manifest.private !== true)
    .map(({ name, folder, exports, dependencies }) => ({
      name,
      folder,
      dependencies: dependencies ?? {},
      exports: Object.keys(exports ?? {}).filter((path) => path !== './package.json'),
    }));
}

const published = await publishedPackages();
const libraries = published.filter(({ exports }) => exports.length > 0);
let work = '';
let tarballs: Map<string, string>;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'ddcl-pack-'));
  tarballs = new Map();
  for (const { name, folder } of published) {
    const { stdout } = await run(bin('pnpm'), ['pack', '--pack-destination', work], { cwd: folder });
    const file = stdout
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line.endsWith('.tgz'));
    tarballs.set(name, resolve(folder, file!));
  }
  // pnpm takes from its store what the checkout has installed, and finds imports of what a package does not declare.
  const files = Object.fromEntries([...tarballs].map(([name, file]) => [name, `file:${file}`]));
  // What users install beside: here already, and too large to fetch at every run.
  const beside = {
    '@huggingface/transformers': `link:${await realpath(join(root, 'packages/readout/node_modules/@huggingface/transformers'))}`,
    'onnxruntime-node': `link:${await realpath(join(root, 'packages/backend-ort/node_modules/onnxruntime-node'))}`,
    ...(await tfjsBeside()),
    vitest: `link:${await realpath(join(root, 'node_modules/vitest'))}`,
    webgpu: `link:${await realpath(join(root, 'packages/backend-webgpu/node_modules/webgpu'))}`,
  };
  const manifest = {
    name: 'user',
    private: true,
    type: 'module',
    dependencies: { ...files, ...beside },
    pnpm: { overrides: files },
  };
  await writeFile(join(work, 'package.json'), JSON.stringify(manifest));
  await run(bin('pnpm'), ['install', '--prefer-offline', '--ignore-scripts'], { cwd: work });
}, 300_000);

/** The parts of tfjs that the README of its backend asks for. */
async function tfjsBeside(): Promise<Record<string, string>> {
  const folder = join(root, 'packages/backend-tfjs/node_modules/@tensorflow');
  const names = await readdir(folder);
  const links = names.map(
    async (name) => [`@tensorflow/${name}`, `link:${await realpath(join(folder, name))}`] as const,
  );
  return Object.fromEntries(await Promise.all(links));
}

afterAll(() => rm(work, { recursive: true, force: true }));

describe.each(published.map(({ name }) => name))('%s', (name) => {
  it('passes publint --strict', async () => {
    await run(bin('publint'), ['run', tarballs.get(name)!, '--strict']);
  });

  it('keeps no workspace reference and ships its sources, types and licence text', async () => {
    const folder = join(work, 'node_modules', name);
    const manifest = await readFile(join(folder, 'package.json'), 'utf8');
    expect(manifest).not.toContain('workspace:');
    const files = await readdir(folder);
    expect(files).toEqual(expect.arrayContaining(['dist', 'src', 'README.md', 'LICENSE']));
  });
});

describe.each(libraries.map((library) => [library.name, library] as const))('%s', (name, library) => {
  const entries = library.exports.map((path) => name + path.slice(1));

  it('has types that resolve (attw)', async () => {
    // In this process: loading TypeScript takes longer than the check.
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarballs.get(name)!)));
    if (result.types === false) expect.fail(`${name} has no types`);
    // attw's profile `esm-only`.
    const ignored = ['node10', 'node16-cjs'];
    const problems = result.problems.filter(
      (each) => !('resolutionKind' in each && ignored.includes(each.resolutionKind)),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(result.entrypoints).length).toBe(library.exports.length + 1);
  });

  it('imports in plain Node', async () => {
    const code = entries.map(
      (entry) =>
        `const m = await import(${JSON.stringify(entry)}); if (Object.keys(m).length === 0) throw new Error('empty');`,
    );
    await run(process.execPath, ['--input-type=module', '-e', code.map((line) => `{ ${line} }`).join('\n')], {
      cwd: work,
    });
  });

  it('bundles for a browser without anything of Node, and runs there', async () => {
    const contents = entries.map((entry, index) => `import * as e${index} from ${JSON.stringify(entry)};`).join('\n');
    const list = entries.map((_, index) => `Object.keys(e${index}).length`).join(', ');
    const { outputFiles } = await build({
      stdin: { contents: `${contents}\nglobalThis.counts = [${list}];`, resolveDir: work },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'iife',
      logLevel: 'silent',
    });
    // A fresh context has the language and what every platform has: no process, no require, no Buffer.
    const context = createContext({ TextEncoder, TextDecoder, EventTarget, Event, performance });
    runInContext(outputFiles[0]!.text, context);
    for (const count of context['counts'] as number[]) expect(count).toBeGreaterThan(0);
  });
});

describe('@ddcl/core', () => {
  it('has no runtime dependency', () => {
    expect(published.find(({ name }) => name === '@ddcl/core')!.dependencies).toEqual({});
  });
});

/** The fenced blocks of a language in a Markdown file. */
function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!);
}

/** With a device for WebGPU where a browser has brought one; without one its README is not run, except under CI, which must have it. */
const env = { ...process.env, ...softwareVulkan() };
const lacksDevice = env['VK_ICD_FILENAMES'] === undefined && !process.env['CI'];

const readmes = ['README.md', ...published.map(({ folder }) => join(relative(root, folder), 'README.md'))];

describe.each(readmes)('%s', (path) => {
  it.skipIf(lacksDevice && path.includes('backend-webgpu'))('has TypeScript that runs as it stands', async () => {
    const blocks = codeBlocks(await readFile(join(root, path), 'utf8'), 'ts');
    if (path !== 'apps/cli/README.md') expect(blocks.length).toBeGreaterThan(0);
    for (const [index, block] of blocks.entries()) {
      const { code } = await transform(block, { loader: 'ts', format: 'esm' });
      const file = join(work, `${path.replaceAll('/', '-')}-${index}.mjs`);
      await writeFile(file, code);
      const { stdout } = await run(process.execPath, [file], { cwd: work, env });
      expect(stdout).not.toBe('');
    }
  });

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
  });
});

it.each(readmes.filter((path) => path !== 'README.md'))(
  '%s has no link that leads nowhere when it is read on npm',
  async (path) => {
    const links = [...(await readFile(join(root, path), 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)].map(
      ([, target]) => target!,
    );
    expect(links.filter((target) => !/^(https:\/\/|#)/.test(target))).toEqual([]);
  },
);

it('READMEs have TypeScript that compiles', async () => {
  const files: string[] = [];
  const withTfjs: string[] = [];
  for (const path of readmes) {
    for (const [index, block] of codeBlocks(await readFile(join(root, path), 'utf8'), 'ts').entries()) {
      const file = join(work, `${path.replaceAll('/', '-')}-${index}.ts`);
      (block.includes('@tensorflow/') ? withTfjs : files).push(file);
      await writeFile(file, block);
    }
  }
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom',
    '--types',
    '',
  ];
  await run(bin('tsc'), [...flags, ...files], { cwd: work });
  // The least version that READMEs promise; its command line takes no empty list of types.
  const settings = {
    compilerOptions: {
      noEmit: true,
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023', 'dom'],
      types: [],
    },
    // Before TypeScript 6 the names of WebGPU come from @webgpu/types, which the README of that backend says.
    files: files.filter((file) => !file.includes('backend-webgpu')),
  };
  await writeFile(join(work, 'tsconfig.least.json'), JSON.stringify(settings));
  const least = join(root, 'node_modules/typescript-least/bin/tsc');
  await run(process.execPath, [least, '-p', 'tsconfig.least.json'], { cwd: work });
  // Declarations of tfjs name what they do not declare, and declare again what the library of TypeScript has by now.
  await run(bin('tsc'), [...flags, '--skipLibCheck', ...withTfjs], { cwd: work });
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

describe('the command line', () => {
  it('runs from an installed package', async () => {
    const { stdout } = await run(join(work, 'node_modules', '.bin', 'ddcl'), ['doctor', '--json'], { cwd: work });
    expect((JSON.parse(stdout) as { backends: { name: string; runs: boolean }[] }).backends).toContainEqual(
      expect.objectContaining({ name: 'cpu', runs: true }),
    );
  });
});

describe('the first hour', () => firstHour(() => work));
