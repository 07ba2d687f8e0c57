import { describe, expect, it } from 'vitest';
import { formatNumber, formatSeconds, formatShare, formatTick } from '../../src/report/format-number.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [17892, '17,892'],
    [0.123456, '0.1235'],
    [12345.678, '12,350'],
    [-1.5, '−1.5'],
    [6.66e-15, '6.66e−15'],
    [1234567.8, '1.23e6'],
    [NaN, 'not a number'],
    [-Infinity, '−∞'],
  ])('formatNumber(%d) is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0, '0'],
    [0.0025, '0.0025'],
    [0.1 + 0.2, '0.3'],
    [7.5e-4, '7.5e−4'],
    [9999, '9999'],
    [15000, '15k'],
    [2.5e6, '2.5M'],
  ])('formatTick(%d) is %s', (value, text) => expect(formatTick(value)).toBe(text));

  it.each([
    [0, '0 %'],
    [1, '100 %'],
    [0.7654, '76.5 %'],
    [0.0001, '< 0.1 %'],
    [0.99999, '> 99.9 %'],
  ])('formatShare(%d) is %s', (value, text) => expect(formatShare(value)).toBe(text));

  it.each([
    [0.0123, '12 ms'],
    [12.34, '12.3 s'],
    [59.99, '1 min 0 s'],
    [125, '2 min 5 s'],
    [7260, '2 h 1 min'],
  ])('formatSeconds(%d) is %s', (value, text) => expect(formatSeconds(value)).toBe(text));
});
