import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * A backend of one's own, as the guide has it: made from the template in an empty folder, with the packages as they are published, then the commands
 * of its README. Needs a build before (the test command does it).
 */

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const pnpm = join(root, 'node_modules/.bin/pnpm');
const name = 'vector-backend';
let work = '';
const folder = (): string => join(work, name);

async function pack(path: string): Promise<string> {
  const { stdout } = await run(pnpm, ['pack', '--pack-destination', work], { cwd: join(root, path) });
  const file = stdout.split('\n').find((line) => line.trim().endsWith('.tgz'));
  return resolve(join(root, path), file!.trim());
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'ddcl-template-'));
  await run(process.execPath, [join(root, 'tooling/new-backend.mjs'), name, folder(), '--example']);
  // The packages that the registry would give, and tools that are here already.
  const files = {
    '@ddcl/core': `file:${await pack('packages/core')}`,
    '@ddcl/backend-conformance': `file:${await pack('packages/backend-conformance')}`,
  };
  const linked = async (tool: string): Promise<string> => `link:${await realpath(join(root, 'node_modules', tool))}`;
  const path = join(folder(), 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, Record<string, string>>;
  await writeFile(
    path,
    JSON.stringify({
      ...manifest,
      dependencies: { '@ddcl/core': files['@ddcl/core'] },
      devDependencies: {
        '@ddcl/backend-conformance': files['@ddcl/backend-conformance'],
        vitest: await linked('vitest'),
        typescript: await linked('typescript'),
      },
      pnpm: { overrides: files },
    }),
  );
  await run(pnpm, ['install', '--prefer-offline', '--ignore-scripts'], { cwd: folder() });
}, 300_000);

afterAll(() => rm(work, { recursive: true, force: true }));

describe('a backend made from the template', () => {
  it('has nothing left of the template but its ways', async () => {
    const manifest = JSON.parse(await readFile(join(folder(), 'package.json'), 'utf8')) as { name: string };
    expect(manifest.name).toBe(name);
    for (const file of ['src/index.ts', `src/${name}.ts`, 'test/conformance.test.ts', 'README.md'])
      expect(await readFile(join(folder(), file), 'utf8')).not.toMatch(/my-?backend/i);
  });

  it('has the example only where it is asked for', async () => {
    const plain = join(work, 'plain-backend');
    await run(process.execPath, [join(root, 'tooling/new-backend.mjs'), 'plain-backend', plain]);
    expect((await readdir(plain, { recursive: true })).filter((file) => /queued|examples/.test(file))).toEqual([]);
    // And it keeps its kernels when those of the package become another library's.
    const example = await readFile(join(folder(), 'examples/queued-backend.ts'), 'utf8');
    expect(example).not.toContain('/src/');
  });

  it(
    'passes the suite with no deviation, and so does the one that compiles whole programs',
    { timeout: 600_000 },
    async () => {
      const vitest = join(root, 'node_modules/vitest/vitest.mjs');
      const { stdout } = await run(process.execPath, [vitest, 'run', '--reporter=json', '--testTimeout=120000'], {
        cwd: folder(),
        maxBuffer: 2 ** 28,
        // Its own configuration, as for a user: none.
        env: { ...process.env, DDCL_THOROUGH_TESTS: '', DDCL_TEST_BUILT: '' },
      });
      const { numFailedTests, numPassedTests, numPendingTests } = JSON.parse(
        stdout.slice(stdout.indexOf('{')),
      ) as Record<string, number>;
      expect({ numFailedTests, numPendingTests }).toEqual({ numFailedTests: 0, numPendingTests: 0 });
      expect(numPassedTests).toBeGreaterThan(5000);
    },
  );

  it('builds, and is what the command line takes', async () => {
    await run(process.execPath, [join(folder(), 'node_modules/typescript/bin/tsc')], { cwd: folder() });
    const module = join(folder(), 'dist/index.js');
    const made = (await import(pathToFileURL(module).href)) as { default: () => { name: string } };
    expect(made.default().name).toBe(name);
    const { stdout } = await run(process.execPath, [
      join(root, 'apps/cli/dist/main.js'),
      'doctor',
      '--json',
      '--backend',
      module,
    ]);
    expect((JSON.parse(stdout) as { backends: unknown[] }).backends).toContainEqual(
      expect.objectContaining({ name: module, runs: true }),
    );
  });
});
