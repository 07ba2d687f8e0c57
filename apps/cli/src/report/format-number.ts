/** A number for people: four significant digits, thousands separated, an exponent only where it helps. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return withMinus(value.toLocaleString('en-US'));
  if (size < 1e-3 || size >= 1e6) return withMinus(exponent(value, 2));
  return withMinus(Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 6 }));
}

/** The label of a tick: as short as possible, since a phone leaves about six characters for it. */
export function formatTick(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e9) return withMinus(exponent(value, 1));
  if (size >= 1e6) return withMinus(`${Number((value / 1e6).toPrecision(4))}M`);
  if (size >= 1e4) return withMinus(`${Number((value / 1e3).toPrecision(4))}k`);
  return withMinus(String(Number(value.toPrecision(4))));
}

/** A share of 0..1 in per cent with one decimal; never rounded to 0 or 100 when it is not. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  if (share < 1 && share > 0.9995) return '> 99.9 %';
  return `${Number((share * 100).toFixed(1))} %`;
}

/** A duration for people. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function exponent(value: number, digits: number): string {
  const [mantissa, power] = value.toExponential(digits).split('e') as [string, string];
  return `${Number(mantissa)}e${power.replace('+', '')}`;
}

function withMinus(text: string): string {
  return text.replaceAll('-', '−');
}
