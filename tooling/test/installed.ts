import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';

export const run = promisify(execFile);
export const root = resolve(import.meta.dirname, '../..');
export const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

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

export const published = await publishedPackages();

/** An empty folder of a user who has installed what is published, removed after the tests of the file; and the packed file of each package. */
export async function installPublished(): Promise<{ work: string; tarballs: ReadonlyMap<string, string> }> {
  const work = await mkdtemp(join(tmpdir(), 'ddcl-pack-'));
  afterAll(() => rm(work, { recursive: true, force: true }));
  const tarballs = new Map<string, string>();
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
  return { work, tarballs };
}

/** The parts of tfjs that the README of its backend asks for. */
async function tfjsBeside(): Promise<Record<string, string>> {
  const folder = join(root, 'packages/backend-tfjs/node_modules/@tensorflow');
  const names = await readdir(folder);
  const links = names.map(
    async (name) => [`@tensorflow/${name}`, `link:${await realpath(join(folder, name))}`] as const,
  );
  return Object.fromEntries(await Promise.all(links));
}

export const readmes = ['README.md', ...published.map(({ folder }) => join(relative(root, folder), 'README.md'))];

/** The fenced blocks of a language in a Markdown file. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!);
}
