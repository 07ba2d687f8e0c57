import { describe, expect, it } from 'vitest';
import { autoTemperatureShare, resolveTemperature } from '../../src/temperature/resolve.ts';
import { errorOf } from '../support/run.ts';

describe('resolveTemperature', () => {
  it('auto is a fixed share of T_c', () => {
    expect(autoTemperatureShare).toBe(0.003);
    expect(resolveTemperature('auto', 12)).toBe(0.003 * 12);
  });

  it('a number below T_c is itself', () => {
    expect(resolveTemperature(0.1, 12)).toBe(0.1);
    expect(resolveTemperature(11.999_999, 12)).toBe(11.999_999);
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
        "prototypes collapse into one point. Use 'auto' (0.036), or a number below 12.",
    });
  });
});
