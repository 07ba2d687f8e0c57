import { describe, expect, it } from 'vitest';
import { resolveTemperature, temperatureOf } from '../../src/temperature/resolve.ts';
import { errorOf } from '../support/run.ts';

describe('resolveTemperature', () => {
  it('a number below T_c is itself', () => {
    expect(resolveTemperature(0.1, 12)).toBe(0.1);
    expect(resolveTemperature(11.999_999, 12)).toBe(11.999_999);
  });

  it('a share is that of T_c', () => {
    expect(resolveTemperature({ ofCritical: 0.25 }, 12)).toBe(3);
    expect(temperatureOf({ ofCritical: 0.25 }, 12)).toBe(3);
    // A model may be applied at any temperature, in numbers.
    expect(temperatureOf(99, 12)).toBe(99);
  });

  it.each([0, -0.1, 1, 1.5, NaN, Infinity])('a share of %d is refused, with what to do', (ofCritical) => {
    for (const resolve of [resolveTemperature, temperatureOf]) {
      expect(errorOf(() => resolve({ ofCritical }, 12))).toMatchObject({
        code: 'temperature',
        message: expect.stringMatching(/> 0 and < 1, but ofCritical is .*collapse.*such as 0\.03/) as string,
      });
    }
  });

  it.each([0, -3, NaN, Infinity, -Infinity])('%d is refused, with what to do', (choice) => {
    expect(errorOf(() => resolveTemperature(choice, 12.345_678))).toMatchObject({
      code: 'temperature',
      message: `The temperature must be > 0, but is ${choice}. Use 'auto', or a number below T_c = 12.35.`,
    });
  });

  it.each([12, 12.1, 1e9])('%d is refused at T_c = 12, with what to do', (choice) => {
    expect(errorOf(() => resolveTemperature(choice, 12))).toMatchObject({
      code: 'temperature',
      message:
        `The temperature T = ${choice} is not below the critical temperature T_c = 12 of these tokens; at or above it all ` +
        "prototypes collapse into one point. Use 'auto', or a number below 12.",
    });
  });
});
