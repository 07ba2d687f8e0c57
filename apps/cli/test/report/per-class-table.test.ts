import { expect, it } from 'vitest';
import { formatPerClassTable } from '../../src/report/per-class-table.ts';

it('aligns the columns, largest class first', () => {
  const table = formatPerClassTable([
    { label: 'HEO', tokens: 800, prototype: 12, recall: 1 },
    { label: 'a longer name', tokens: 13587, prototype: 0, recall: 0.9012 },
    { label: '日本', tokens: 1, recall: 0 },
  ]);
  expect(table).toBe(
    [
      'class          tokens  prototype  recall',
      'a longer name  13,587          0  90.1 %',
      'HEO               800         12   100 %',
      '日本                1       none     0 %',
    ].join('\n'),
  );
});

it('lets no label steer the terminal or break the table', () => {
  const table = formatPerClassTable([
    { label: '\u001b[31mred\nline\u202e', tokens: 2, prototype: 0, recall: 0.5 },
    { label: 'x'.repeat(500), tokens: 1, prototype: 1, recall: 0.5 },
    { label: '', tokens: 0, recall: 0 },
  ]);
  expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  const lines = table.split('\n');
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[3]).toMatch(/^\(empty\)/);
});

it('is only a head without classes', () => {
  expect(formatPerClassTable([])).toBe('class  tokens  prototype  recall');
});
