import { expect, it } from 'vitest';
import { phaseClock } from '../../src/fit/phase-clock.ts';

it('counts what passes before each call into its phase', () => {
  let now = 500;
  const clock = phaseClock(() => now);
  for (const [phase, time] of [
    ['statistics', 1500],
    ['fit', 1600],
    ['fit', 2500],
    ['measure', 2500],
    ['fit', 4500],
  ] as const) {
    now = time;
    clock.tick(phase);
  }
  now = 9000;
  expect(clock.seconds()).toEqual({ statistics: 1, fit: 3, measure: 0, stability: 0 });
});
