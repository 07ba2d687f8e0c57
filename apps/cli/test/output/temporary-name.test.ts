import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { finalName, removeAbandoned, temporaryMark } from '../../src/output/temporary-name.ts';

const folder = mkdtempSync(join(tmpdir(), 'ddcl-temporary-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('removes unfinished files of processes that have ended, and of no other', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const own = temporaryMark();
  const dead = own.replace(/^\d+/, String(pid));
  const names = {
    dead: `x.npy.${dead}.tmp`,
    running: `x.npy.${own}.tmp`,
    elsewhere: `x.npy.${dead.replace(/\.[0-9a-f]{4}/, (host) => (host === '.0000' ? '.1111' : '.0000'))}.tmp`,
    other: `y.npy.${dead}.tmp`,
    foreign: 'x.npy.tmp',
  };
  for (const name of Object.values(names)) writeFileSync(join(folder, name), '');
  await removeAbandoned(join(folder, 'x.npy'));
  const left = Object.entries(names).filter(([, name]) => existsSync(join(folder, name)));
  expect(left.map(([kind]) => kind)).toEqual(['running', 'elsewhere', 'other', 'foreign']);
  expect(finalName(names.dead)).toBe('x.npy');
  expect(finalName(names.foreign)).toBe(names.foreign);
});
