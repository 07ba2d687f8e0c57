import { expect, it } from 'vitest';
import { inTurns, turnGiver } from '../../src/abort/turns.ts';
import { rejection } from '../support/run.ts';

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

it('does work in pieces with turns between them, until the signal fires', async () => {
  const work = function* (pieces: number): Generator<void, number, void> {
    for (let piece = 0; piece < pieces; piece++) yield;
    return pieces;
  };
  expect(await inTurns(work(5), undefined)).toBe(5);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  const error = await rejection(inTurns(work(Infinity), controller.signal));
  expect(error.code).toBe('aborted');
});
