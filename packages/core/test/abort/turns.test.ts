import { expect, it } from 'vitest';
import { turnGiver } from '../../src/abort/turns.ts';

it('lets a timer be heard in work that waits for nothing else', async () => {
  const turn = turnGiver();
  let isHeard = false;
  setTimeout(() => (isHeard = true), 1);
  const end = Date.now() + 2000;
  while (!isHeard && Date.now() < end) await turn();
  expect(isHeard).toBe(true);
});

it('returns at once between two turns', async () => {
  const turn = turnGiver();
  let isHeard = false;
  setTimeout(() => (isHeard = true), 0);
  await turn();
  expect(isHeard).toBe(false);
});
