import { describe, expect, it } from 'vitest';
import { darkTheme, groupSymbol, hue, largestLegend, lightTheme, type Theme } from '../../src/report/palette.ts';

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', lightTheme],
  ['dark', darkTheme],
])('the %s theme', (_: string, theme: Theme) => {
  it('has text with a contrast of 4.5 and marks with a contrast of 3', () => {
    for (const text of [theme.ink, theme.muted, theme.warning]) {
      for (const ground of [theme.surface, theme.page]) expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
    }
    for (const mark of [...theme.hues, ...theme.ramp, theme.axis]) {
      expect(contrast(mark, theme.surface), mark).toBeGreaterThanOrEqual(3);
    }
  });

  it('has a ramp whose contrast to the ink only ever falls or only ever rises', () => {
    const levels = theme.ramp.map(luminance);
    const steps = levels.slice(1).map((level, index) => Math.sign(level - (levels[index] as number)));
    expect(new Set(steps).size).toBe(1);
  });
});

it('gives every group of a legend its own pair of hue and symbol', () => {
  const looks = Array.from({ length: largestLegend }, (_, index) => `${hue(index)} ${groupSymbol(index)}`);
  expect(new Set(looks).size).toBe(largestLegend);
});
