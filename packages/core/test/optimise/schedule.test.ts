import { describe, expect, it } from 'vitest';
import {
  constantSchedule,
  cosineSchedule,
  geometricSchedule,
  linearSchedule,
  sequenceSchedule,
} from '../../src/optimise/schedule.ts';
import { codeOf } from '../support/thrown.ts';

const at = [0, 0.25, 0.5, 0.75, 1];

describe('schedules', () => {
  it.each([
    ['constant', constantSchedule(3), [3, 3, 3, 3, 3]],
    ['linear', linearSchedule(2, 6), [2, 3, 4, 5, 6]],
    ['geometric', geometricSchedule(16, 1), [16, 8, 4, 2, 1]],
    ['cosine', cosineSchedule(4, 2), [4, 3 + Math.SQRT1_2, 3, 3 - Math.SQRT1_2, 2]],
    ['in sequence', sequenceSchedule(linearSchedule(0, 1), 0.5, constantSchedule(9)), [0, 0.5, 9, 9, 9]],
    [
      'in sequence, the second one from its start',
      sequenceSchedule(constantSchedule(1), 0.5, linearSchedule(1, 3)),
      [1, 1, 1, 2, 3],
    ],
    ['all first', sequenceSchedule(linearSchedule(0, 4), 1, constantSchedule(9)), [0, 1, 2, 3, 9]],
    ['all second', sequenceSchedule(constantSchedule(9), 0, linearSchedule(0, 4)), [0, 1, 2, 3, 4]],
  ])('%s', (_, schedule, expected) => {
    expect(at.map(schedule)).toEqual(expected.map((number) => expect.closeTo(number, 14)));
  });

  it('stay at their ends outside of 0..1', () => {
    for (const schedule of [linearSchedule(2, 6), geometricSchedule(2, 6), cosineSchedule(2, 6)]) {
      expect(schedule(-1)).toBeCloseTo(2, 14);
      expect(schedule(1.5)).toBeCloseTo(6, 14);
    }
  });

  it('a geometric one ends exactly where it should', () => {
    for (let k = 1; k < 50; k++) expect(geometricSchedule(0.7 * k, 0.003 / k)(1)).toBe(0.003 / k);
  });

  it('numbers out of range are refused', () => {
    expect(codeOf(() => geometricSchedule(0, 1))).toBe('argument');
    expect(codeOf(() => geometricSchedule(1, -1))).toBe('argument');
    expect(codeOf(() => geometricSchedule(NaN, 1))).toBe('argument');
    expect(codeOf(() => sequenceSchedule(constantSchedule(1), 1.1, constantSchedule(1)))).toBe('argument');
  });
});
