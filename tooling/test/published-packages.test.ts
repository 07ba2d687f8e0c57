import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build, transform } from 'esbuild';
import { bin, codeBlocks, installPublished, published, readmes, root, run } from './installed.ts';
import { softwareVulkan } from '../software-vulkan.ts';
import { describe, expect, it } from 'vitest';

/*
 * What is published, as users get it: packed, checked by publint and attw, installed into an empty folder, imported in
 * plain Node and bundled for a browser. Needs `npm run build` before (the test command does it).
 */

const libraries = published.filter(({ exports }) => exports.length > 0);
const { work, tarballs } = await installPublished();

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

/** With a device for WebGPU where a browser has brought one; without one its README is not run, except under CI, which must have it. */
const env = { ...process.env, ...softwareVulkan() };
const lacksDevice = env['VK_ICD_FILENAMES'] === undefined && !process.env['CI'];

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

describe('the command line', () => {
  it('runs from an installed package', async () => {
    const { stdout } = await run(join(work, 'node_modules', '.bin', 'ddcl'), ['doctor', '--json'], { cwd: work });
    expect((JSON.parse(stdout) as { backends: { name: string; runs: boolean }[] }).backends).toContainEqual(
      expect.objectContaining({ name: 'cpu', runs: true }),
    );
  });
});
