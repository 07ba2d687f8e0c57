import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startBoundedWorker, type BoundedWorker } from '../../src/data/bounded-worker.ts';
import { testFolder } from './support.ts';

const folder = testFolder();

const script = pathToFileURL(
  folder.write(
    'work.mjs',
    `import { parentPort } from 'node:worker_threads';
    const kept = [];
    const work = {
      echo: ({ value }) => value,
      loop: () => { for (;;); },
      grow: () => { for (;;) kept.push(new Array(1000).fill(kept.length)); },
      bytes: () => { for (;;) kept.push(new Uint8Array(1 << 20).fill(1)); },
      fail: () => { throw new RangeError('as asked'); },
    };
    parentPort.on('message', (request) => {
      try {
        parentPort.postMessage({ kind: 'done', value: work[request.kind](request) });
      } catch (error) {
        parentPort.postMessage({ kind: 'failed', error, code: request.code });
      }
    });
    parentPort.postMessage({ kind: 'ready' });`,
  ),
);

const start = (signal?: AbortSignal): Promise<BoundedWorker> =>
  startBoundedWorker(
    script,
    { bytes: 96 << 20, heap: 64 << 20, exceeded: (what) => new Error(`more ${what}`) },
    signal,
  );

describe('a thread within limits', () => {
  it('answers, passes errors on, and is used again', async () => {
    const worker = await start();
    expect(await worker.ask({ kind: 'echo', value: [1, 'x'] }, 10)).toEqual([1, 'x']);
    await expect(worker.ask({ kind: 'fail' }, 10)).rejects.toThrow('as asked');
    await expect(worker.ask({ kind: 'fail', code: 'format' }, 10)).rejects.toMatchObject({ code: 'format' });
    await worker.close();
    const again = await start();
    expect(await again.ask({ kind: 'echo', value: 2 }, 10)).toBe(2);
    await again.close();
    await again.close();
  });

  // Each would never end otherwise.
  it.each([
    ['loop', 'more time'],
    ['grow', 'more memory'],
    ['bytes', 'more memory'],
  ])('is ended where it takes more: %s', async (kind, message) => {
    const worker = await start();
    await expect(worker.ask({ kind }, 0.5 + (kind === 'loop' ? 0 : 60))).rejects.toThrow(message);
    await worker.close();
    const next = await start();
    expect(await next.ask({ kind: 'echo', value: 3 }, 10)).toBe(3);
    await next.close();
  });

  it('is ended by a signal in the midst of a loop', async () => {
    const controller = new AbortController();
    const worker = await start(controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(worker.ask({ kind: 'loop' }, Infinity)).rejects.toMatchObject({ code: 'aborted' });
    await expect(start(controller.signal)).rejects.toMatchObject({ code: 'aborted' });
  });
});
