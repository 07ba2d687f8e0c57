import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { takeTurns } from '../src/fit/take-turns.ts';

/** Lives for a second of its own time and prints the longest time in which it did nothing, in milliseconds. */
const ticking = `
  let [last, ticks, longest] = [Date.now(), 0, 0];
  const timer = setInterval(() => {
    longest = Math.max(longest, Date.now() - last);
    last = Date.now();
    if (++ticks === 50) { clearInterval(timer); console.log(longest); }
  }, 20);
`;

it.skipIf(process.platform === 'win32')('stops a process while others work, and lets it come to its end', async () => {
  const child = spawn(process.execPath, ['-e', ticking], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  let turns = 0;
  const taken = await takeTurns(
    child,
    async () => {
      turns++;
      await wait(400);
    },
    0.3,
  );
  expect(child.exitCode).toBe(0);
  expect(taken.count).toBe(turns);
  expect(turns).toBeGreaterThanOrEqual(2);
  // It could not tick while it was stopped; timers are good to some milliseconds.
  expect(Number(text)).toBeGreaterThan(350);
  expect(taken.stopped).toBeGreaterThan(0.3);
  expect(taken.stopped).toBeLessThan(0.9);
});

it('ends with a process that ends at once', async () => {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  const { count, stopped } = await takeTurns(child, async () => {});
  expect({ count, stopped }).toEqual({ count: 0, stopped: 0 });
});
