import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDdclError } from '@ddcl/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadOrt } from '../../src/backends/load-ort.ts';
import { EncoderSession, type EncoderFile } from '../../src/encoder/encoder-session.ts';
import { EncoderThread } from '../../src/encoder/encoder-thread.ts';
import { program } from '../commands/support.ts';
import { temporaryFolder, tinyEncoder } from './support.ts';

// Large enough that a batch takes a good part of a second.
const folder = await tinyEncoder({ hidden: 128, layers: 4, heads: 4, maxPositions: 512 });
const file: EncoderFile = { path: join(folder, 'onnx/model.onnx'), hidden: 128, padding: 0 };
const rows = Array.from({ length: 16 }, (_, row) =>
  Int32Array.from({ length: 512 - row }, (__, place) => 5 + ((row + place) % 20)),
);

describe('an encoder in a thread of its own', () => {
  let thread: EncoderThread;
  beforeAll(async () => {
    thread = await EncoderThread.open(file, undefined);
  });
  afterAll(() => thread.dispose());

  it('gives the vectors that it gives in this one, bit by bit, and leaves the ids as they are', async () => {
    const session = await EncoderSession.open(await loadOrt(), file);
    expect([thread.dimension, thread.mostTokens]).toEqual([session.dimension, session.mostTokens]);
    const before = rows.slice(0, 3).map((ids) => ids.slice());
    const [here, there] = [await session.run(rows.slice(0, 3)), await thread.run(rows.slice(0, 3))];
    expect(there).toEqual(here);
    expect(rows.slice(0, 3)).toEqual(before);
    await session.dispose();
  });

  it('lets others work while it computes, and is given up at once', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const began = performance.now();
    await thread.run(rows);
    const whole = performance.now() - began;
    clearInterval(timer);
    // One turn would be one before and one after.
    expect(turns).toBeGreaterThan(10);
    const stop = new AbortController();
    const again = performance.now();
    setTimeout(() => stop.abort(), whole / 20);
    await expect(thread.run(rows, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(performance.now() - again).toBeLessThan(whole / 2);
    // What was given up ends some time; the thread then answers the next as before.
    const one = await thread.run(rows.slice(0, 1));
    expect(one).toEqual(await thread.run(rows.slice(0, 1)));
  });

  it('answers several who ask at once, each what it asked for, and one who gave up before at once', async () => {
    const alone = await thread.run(rows.slice(0, 1));
    const stop = new AbortController();
    const one = thread.run(rows, stop.signal);
    const answers = Promise.all([thread.run([Int32Array.of(1, 2, 3)]), thread.run(rows.slice(0, 1))]);
    stop.abort();
    await expect(one).rejects.toMatchObject({ code: 'aborted' });
    await expect(thread.run(rows, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    const [three, again] = await answers;
    expect(three.length).toBe(3);
    expect(again).toEqual(alone);
  });

  it('leaves no listener at a signal that lives longer', async () => {
    const { signal } = new AbortController();
    for (let turn = 0; turn < 3; turn++) await thread.run([Int32Array.of(1, 2, 3)], signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('says what it says in this thread: of a file that is no model, and of ids beyond its table', async () => {
    const broken = join(temporaryFolder(), 'model.onnx');
    writeFileSync(broken, 'no model');
    const refusal = async (open: Promise<unknown>): Promise<string> => {
      const error: unknown = await open.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return isDdclError(error) ? `${error.code}: ${error.message}` : String(error);
    };
    const ort = await loadOrt();
    const wrong = { ...file, path: broken };
    expect(await refusal(EncoderThread.open(wrong, undefined))).toBe(await refusal(EncoderSession.open(ort, wrong)));
    const beyond = [Int32Array.of(1, 1_000_000)];
    const session = await EncoderSession.open(ort, file);
    expect(await refusal(thread.run(beyond))).toBe(await refusal(session.run(beyond)));
    await session.dispose();
  });
});

it('is no reason for a command to go on: Ctrl-C ends it in the middle of a batch', async () => {
  const work = temporaryFolder();
  writeFileSync(join(work, 'texts.txt'), `${'the good film of a river '.repeat(80)}\n`.repeat(2000));
  const args = ['encode-tokens', '--text', 'texts.txt', '--encoder', folder, '--out', 'out', '--encoder-batch', '500'];
  const child = spawn(process.execPath, [program, ...args], { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += String(text)));
  while (!existsSync(join(work, 'out')) && child.exitCode === null) await wait(10);
  await wait(1500);
  child.kill('SIGINT');
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  // By the signal itself where a batch was being computed; shells show both as 130.
  expect(signal ?? status).toBe(status === null ? 'SIGINT' : 130);
  expect(said).toContain('ddcl: stopped.');
  expect(said).not.toMatch(/Napi|terminate|core/);
});
