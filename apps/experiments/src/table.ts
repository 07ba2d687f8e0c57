import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { Spread } from './statistics.ts';

/** A Markdown table. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `0.721 ± 0.003 (0.715 to 0.724)`, or one number where they are all alike. */
export function formatSpread({ mean, deviation, min, max }: Spread, digits = 3): string {
  const text = (value: number): string => value.toFixed(digits);
  if (text(min) === text(max)) return text(mean);
  return `${text(mean)} ± ${text(deviation)} (${text(min)} to ${text(max)})`;
}

/** When, on what and by which sources a table was made. */
export function provenance(command: string, backend: string = 'cpu'): string {
  const revision = gitRevision();
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  return `Made on ${new Date().toISOString().slice(0, 10)} by \`${command}\`${revision}, Node ${process.version}, ${cpus().length} cores of ${model.trim()}, backend ${backend}, float32.`;
}

function gitRevision(): string {
  try {
    return ` at ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()}`;
  } catch {
    return '';
  }
}
