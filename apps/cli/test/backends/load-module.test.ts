import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkBackends, createBackend, isBackend } from '../../src/backends/backends.ts';

let folder = '';
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ddcl-module-'));
  const cpu = pathToFileURL(join(import.meta.dirname, '../../../../packages/backend-cpu/dist/index.js')).href;
  const contents = {
    'good.mjs': `import { cpuBackend } from ${JSON.stringify(cpu)}; export default async () => ({ ...cpuBackend(), name: 'mine' });`,
    'none.mjs': 'export const made = 1;',
    'half.mjs': 'export default () => ({ contract: 1, upload() {}, memory() {} });',
    'throws.mjs': "export default () => { throw new Error('no such card\\nat all'); };",
    'syntax.mjs': 'export default (',
  };
  for (const [name, text] of Object.entries(contents)) await writeFile(file(name), text);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('a path or a package with a scope is a module, a name is not', () => {
  expect(['./b.js', '../b', '/tmp/b.mjs', 'b.js', '@me/backend'].map(isBackend)).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(['tpu', 'cpu:2', 'ort2', ''].map(isBackend)).toEqual([false, false, false, false]);
});

it('starts what the default export makes', async () => {
  const backend = await createBackend(file('good.mjs'));
  expect(backend.name).toBe('mine');
  backend.dispose();
  expect(await checkBackends(file('good.mjs'))).toContainEqual(
    expect.objectContaining({ name: file('good.mjs'), runs: true, description: 'a module of your own' }),
  );
});

it.each([
  ['absent.mjs', 'argument', 'There is no file'],
  ['none.mjs', 'argument', 'no function as its default export'],
  ['half.mjs', 'argument', 'it lacks download, free, compile, dispose'],
  ['throws.mjs', 'unsupported', 'cannot be started: no such card'],
  ['syntax.mjs', 'unsupported', 'cannot be started'],
])('refuses %s', async (name, code, text) => {
  const error = await createBackend(file(name)).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
});

it('refuses a package that is not installed', async () => {
  const error = await createBackend('@ddcl/no-such-backend').catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'argument',
    message: expect.stringContaining('npm install @ddcl/no-such-backend'),
  });
});
