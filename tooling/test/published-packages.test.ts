import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
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
    ['packages', 'apps'].map(async (group) => (await readdir(join(root, group))).map((name) => join(root, group, name))),
  );
  const manifests = await Promise.all(
    groups.flat().map(async (folder) => ({ folder, ...(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest) })),
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
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { packageManager: string };
  tarballs = new Map();
  for (const { name, folder } of published) {
    const { stdout } = await run('npx', ['-y', packageManager, 'pack', '--pack-destination', work], { cwd: folder });
    const file = stdout.split('\n').map((line) => line.trim()).find((line) => line.endsWith('.tgz'));
    tarballs.set(name, resolve(folder, file!));
  }
  await writeFile(join(work, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs.values()], { cwd: work });
}, 300_000);

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
    await run(bin('attw'), [tarballs.get(name)!, '--profile', 'esm-only']);
  });

  it('imports in plain Node', async () => {
    const code = entries.map((entry) => `const m = await import(${JSON.stringify(entry)}); if (Object.keys(m).length === 0) throw new Error('empty');`);
    await run(process.execPath, ['--input-type=module', '-e', code.map((line) => `{ ${line} }`).join('\n')], { cwd: work });
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
    // A fresh context has the language alone: no process, no require, no Buffer.
    const context = createContext({});
    runInContext(outputFiles[0]!.text, context);
    for (const count of context['counts'] as number[]) expect(count).toBeGreaterThan(0);
  });
});

describe('@ddcl/core', () => {
  it('has no runtime dependency', () => {
    expect(published.find(({ name }) => name === '@ddcl/core')!.dependencies).toEqual({});
  });
});

describe('the command line', () => {
  it('runs from an installed package', async () => {
    const { stdout } = await run(join(work, 'node_modules', '.bin', 'ddcl'), ['doctor', '--json'], { cwd: work });
    expect((JSON.parse(stdout) as { backends: { name: string; runs: boolean }[] }).backends).toContainEqual(
      expect.objectContaining({ name: 'cpu', runs: true }),
    );
  });
});
