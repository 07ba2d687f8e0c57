/**
 * Colours are CSS variables, so one SVG serves the light and the dark page. Every colour that carries meaning has a
 * contrast of at least 3 to the surface it lies on (a test computes it), and none carries it alone: lines differ in
 * dashes, groups in symbols and numbers.
 */
export interface Theme {
  readonly page: string;
  readonly surface: string;
  readonly ink: string;
  readonly muted: string;
  readonly axis: string;
  readonly grid: string;
  readonly border: string;
  readonly warning: string;
  /**
   * Hues, most different first: found by a search for the largest CIELAB distance in the eyes of people with and
   * without protanopia, deuteranopia and tritanopia (Machado 2009). At least 17 apart, the first four 25.
   */
  readonly hues: readonly string[];
  /** From the first step to the last, in equal steps of lightness. */
  readonly ramp: readonly string[];
}

export const lightTheme: Theme = {
  page: '#f5f6f8',
  surface: '#ffffff',
  ink: '#1b1f24',
  muted: '#525964',
  axis: '#8a919c',
  grid: '#e4e7eb',
  border: '#d9dde3',
  warning: '#8a4b00',
  hues: ['#0072b2', '#d55e00', '#732a35', '#2f2ca8', '#fc4d84', '#0088ff', '#aa8349', '#930015', '#980271', '#14957a'],
  ramp: ['#c98500', '#d06a10', '#cc4f2e', '#b93a55', '#992a73', '#742085', '#4e1a8b', '#2a1580'],
};

export const darkTheme: Theme = {
  page: '#101317',
  surface: '#191d23',
  ink: '#e9ecf0',
  muted: '#aab2bd',
  axis: '#6d7682',
  grid: '#2b313a',
  border: '#2f3640',
  warning: '#f0b35c',
  hues: ['#56b4e9', '#ff8a3d', '#1bfdd1', '#dee99a', '#639258', '#ef40ad', '#fcd03c', '#7a92ff', '#ff9f97', '#ffceff'],
  ramp: ['#6c6fe8', '#9a66e6', '#c45fd0', '#e060a8', '#f0707f', '#f78c5a', '#f9b03f', '#f5dc4a'],
};

const count = lightTheme.hues.length;

/** The hue of group `index`; they repeat after ten. */
export function hue(index: number): string {
  return `var(--hue-${index % count})`;
}

/**
 * The symbol of group `index`. It changes from group to group and from round to round of hues, so neighbours differ in
 * more than hue, and no two of the first twenty groups look the same.
 */
export function groupSymbol(index: number): 'circle' | 'triangle' {
  return (index + Math.floor(index / count)) % 2 === 0 ? 'circle' : 'triangle';
}

/** Groups beyond this number cannot be told apart, so a legend would mislead. */
export const largestLegend: number = 2 * count;

/** Number of colours for the steps of a fit. */
export const rampLength: number = lightTheme.ramp.length;

/** The colour of bin `index` of {@link rampLength}. */
export function rampColour(index: number): string {
  return `var(--ramp-${index})`;
}

/** The theme as declarations of CSS variables. */
export function themeVariables(theme: Theme): string {
  const { hues, ramp, ...plain } = theme;
  return [
    ...Object.entries(plain).map(([name, value]) => `--${name}:${value}`),
    ...hues.map((value, index) => `--hue-${index}:${value}`),
    ...ramp.map((value, index) => `--ramp-${index}:${value}`),
  ].join(';');
}
