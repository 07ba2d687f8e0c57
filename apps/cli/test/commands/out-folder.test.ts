import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusters, ddclProcess, npy, succeed, testFolder, withoutModule, type Ended } from './support.ts';

const folder = testFolder();
beforeAll(() => void folder.write('tokens.npy', npy([200, 4], 'float32', clusters(200, 4, 3).flat)));

const fit = (out: string, epochs: number, ...more: string[]): string[] => [
  ...`fit ${folder.at('tokens.npy')} --prototypes 3 --epochs ${epochs} --out ${folder.at(out)}`.split(' '),
  ...more,
];
/** More than any test waits for. */
const endless = 10_000_000;
const files = (out: string): string[] => readdirSync(folder.at(out)).sort();
const whole = ['config.json', 'history.jsonl', 'model.safetensors', 'report.html'];

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

function start(args: readonly string[]): Running {
  let child: ChildProcess | undefined;
  const ended = ddclProcess(args, { onStart: (started) => (child = started) });
  return { child: child!, ended };
}

describe('two fits into one folder', () => {
  it('that start together: one runs, the other is refused and says which', async () => {
    const both = [start(fit('both', endless)), start(fit('both', endless))];
    const first = await Promise.race(both.map(async ({ ended }, index) => ({ index, ...(await ended) })));
    const other = both[1 - first.index]!;
    expect([first.status, first.stdout]).toEqual([2, '']);
    expect(first.stderr).toMatch(/^ddcl: [^\n]*both is in use: process \d+ on [^\n]*, or choose another --out\.\n$/);
    expect(first.stderr).toContain(`process ${other.child.pid} on`);
    expect(other.child.exitCode).toBeNull();
    other.child.kill('SIGINT');
    expect((await other.ended).status).toBe(130);
    // A folder that is still empty goes away.
    expect(existsSync(folder.at('both')) ? files('both') : ['checkpoint.safetensors']).toEqual([
      'checkpoint.safetensors',
    ]);
  });

  it('one after the other: the second is refused while the first runs, and takes over when that was killed', async () => {
    const first = start(fit('one', endless));
    while (!existsSync(folder.at('one/checkpoint.safetensors'))) await wait(20);
    for (const more of [[], ['--resume']]) {
      const { status, stderr } = await ddclProcess(fit('one', 30, ...more));
      expect([status, stderr]).toEqual([2, expect.stringContaining(`is in use: process ${first.child.pid} on`)]);
    }
    first.child.kill('SIGKILL');
    await first.ended;
    expect(files('one')).toContainEqual(expect.stringMatching(/\.lock$/));
    // Its checkpoint is of a longer fit, which is what is refused now.
    const resumed = await ddclProcess(fit('one', 30, '--resume'));
    expect(resumed.stderr).toContain(`epochs was ${endless}, is 30`);
    expect(files('one')).toEqual(['checkpoint.safetensors']);
  });

  it('after a kill before the first checkpoint a new fit needs no --resume', async () => {
    const name = 'ddcl-1234-0123abcd.lock';
    folder.write(`early/${name}`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), mark: 'x', since: '2020' }));
    await succeed(fit('early', 30));
    expect(files('early')).toEqual(whole);
  });
});

describe('a report that cannot be drawn', () => {
  it.each([
    ['written', {}, 'cannot be written'],
    ['drawn', withoutModule(folder, './echarts.js', 'ERR_BROKEN', 'a broken chart'), 'a broken chart'],
  ])('or %s leaves a whole model, says why, and is drawn by --resume', async (name, env, reason) => {
    if (name === 'written') mkdirSync(folder.at('written/report.html'), { recursive: true });
    const { status, stdout, stderr } = await ddclProcess(fit(name, 30, '--resume'), { env });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: The report could not be drawn \([^\n]+--resume draws it again\.\n$/);
    expect(stderr).toContain(reason);
    expect(stdout).toContain(`written to ${folder.at(name)}, without a report`);
    const model = folder.read(`${name}/model.safetensors`);
    await succeed(['measure', folder.at('tokens.npy'), '--prototypes', folder.at(name)]);
    if (name === 'written') rmdirSync(folder.at('written/report.html'));
    expect(files(name)).toEqual(['checkpoint.safetensors', 'config.json', 'history.jsonl', 'model.safetensors']);

    expect(await succeed(fit(name, 30, '--resume'))).toContain('open report.html');
    expect(files(name)).toEqual(whole);
    expect(folder.read(`${name}/model.safetensors`).equals(model)).toBe(true);
  });
});
