import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import ConformanceReporter from '../src/report/reporter.ts';
import { conformanceReport, reportFileName, type ConformanceReport } from '../src/report/report.ts';
import { insertTable, supportTable } from '../src/report/support-table.ts';
import { updateTable } from '../src/report/update-table.ts';
import type { CaseOutcome } from '../src/run/run-case.ts';

const outcome = (id: string, more: Partial<CaseOutcome> = {}): CaseOutcome => ({
  id,
  group: 'primitive',
  op: 'exp',
  dtype: 'float32',
  status: 'passed',
  worst: 0.5,
  message: null,
  ...more,
});

const capabilities = { dtypes: ['float32', 'int32'], composites: ['softmax/1'] };
const outcomes = [
  outcome('a', { worst: 0.123456 }),
  outcome('b', { worst: 0.75 }),
  outcome('c', { dtype: 'float64', status: 'deviation', worst: 9, message: 'no double precision in exp' }),
  outcome('d', { op: 'add', dtype: 'int32', worst: 0 }),
  outcome('e', { op: 'add', status: 'failed', worst: null, message: 'wrong' }),
  outcome('f', { op: 'softmax/1' }),
  outcome('g', { op: null, dtype: null, group: 'lifecycle', worst: null }),
  outcome('h', { op: null, dtype: 'float32', group: 'buffers', worst: null }),
];
const report = conformanceReport('cpu (fused)', capabilities, outcomes);

describe('a report', () => {
  it('sums up by op and dtype, with the worst error and its case', () => {
    expect(report.cases).toBe(8);
    expect(report.entries).toContainEqual({
      op: 'exp',
      dtype: 'float32',
      status: 'passed',
      cases: 2,
      failed: 0,
      deviations: 0,
      worst: 0.75,
      worstCase: 'b',
      reasons: [],
    });
    expect(report.entries).toContainEqual(
      expect.objectContaining({
        op: 'exp',
        dtype: 'float64',
        status: 'deviation',
        reasons: ['no double precision in exp'],
      }),
    );
    expect(report.entries).toContainEqual(
      expect.objectContaining({ op: 'add', dtype: 'float32', status: 'failed', failed: 1 }),
    );
    expect(report.entries).toContainEqual(expect.objectContaining({ op: 'contract', dtype: null, cases: 2 }));
  });

  it('has a file name without odd characters', () => {
    expect(reportFileName('cpu (fused)')).toBe('cpu-fused.json');
  });
});

describe('the support table', () => {
  const other: ConformanceReport = conformanceReport('ort', { dtypes: ['float32'], composites: [] }, [outcome('a')]);

  it('says op by backend what works', () => {
    expect(supportTable([other, report])).toBe(`| | cpu (fused) | ort |
| --- | --- | --- |
| cases | 8 | 1 |
| contract | yes |  |
| \`add\` | ~~f32~~ i32 |  |
| \`exp\` | f32 f64 [1] | f32 |
| \`softmax/1\` | f32 * |  |

\\* with a kernel of its own; other composites run decomposed. A number is a known deviation, ~~struck~~ a failure.

[1] no double precision in exp`);
  });

  it('goes between the markers, as often as one likes', () => {
    const document = 'before\n<!-- conformance -->\nold\n<!-- /conformance -->\nafter\n';
    const once = insertTable(document, 'new');
    expect(once).toBe('before\n<!-- conformance -->\n\nnew\n\n<!-- /conformance -->\nafter\n');
    expect(insertTable(once, 'new')).toBe(once);
    expect(() => insertTable('no markers', 'new')).toThrow('lacks the lines');
  });
});

/** Reports and their table are kept in the repository, since some come from machines that nobody else has. */
const document = join(import.meta.dirname, '../../../docs/backends/README.md');

describe.runIf(existsSync(document))('docs/backends/README.md', () => {
  it('has the table of the reports in conformance/', () => {
    const reports = join(import.meta.dirname, '../../../conformance');
    const complaints = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = updateTable(['--check', '--reports', reports, '--document', document]);
    const text = complaints.mock.calls.flat().join('');
    complaints.mockRestore();
    expect(text).toBe('');
    expect(code).toBe(0);
  });
});

describe('files', () => {
  let folder = '';
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'ddcl-conformance-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const testOf = (each: CaseOutcome | undefined, state = 'passed') => ({
    fullName: `conformance of cpu (fused) > ${each?.group ?? 'x'} > ${each?.id ?? 'skipped'}`,
    meta: () => (each === undefined ? {} : { conformance: { backend: 'cpu (fused)', capabilities, outcome: each } }),
    result: () => ({ state }),
  });
  const moduleOf = (tests: readonly ReturnType<typeof testOf>[]) => ({ children: { allTests: () => tests } });

  it('are written by the reporter, whole and with nothing left over', () => {
    const reports = join(folder, 'deep/conformance');
    new ConformanceReporter({ folder: reports }).onTestRunEnd([
      moduleOf(outcomes.slice(0, 4).map((each) => testOf(each))),
      moduleOf(outcomes.slice(4).map((each) => testOf(each))),
    ]);
    expect(readdirSync(reports)).toEqual(['cpu-fused.json']);
    expect(JSON.parse(readFileSync(join(reports, 'cpu-fused.json'), 'utf8'))).toEqual(report);
  });

  it('stay as they are when only the last bits of errors moved', () => {
    const file = join(folder, 'cpu-fused.json');
    const written = (more: Partial<CaseOutcome>): string => {
      new ConformanceReporter({ folder }).onTestRunEnd([
        moduleOf([...outcomes.slice(1), { ...outcomes[0]!, ...more }].map((each) => testOf(each))),
      ]);
      return readFileSync(file, 'utf8');
    };
    const first = written({});
    expect(written({ worst: 0.8 })).toBe(first);
    expect(written({ worst: 0.9, dtype: 'int32' })).not.toBe(first);
    const second = readFileSync(file, 'utf8');
    expect(written({ worst: 7, dtype: 'int32' })).not.toBe(second);
    writeFileSync(file, 'half a fi');
    expect(written({})).toBe(first);
  });

  it('are not written for a run of some cases only, nor without any', () => {
    const reporter = new ConformanceReporter({ folder: join(folder, 'none') });
    reporter.onTestRunEnd([moduleOf([testOf(undefined)])]);
    expect(existsSync(join(folder, 'none'))).toBe(false);
    reporter.onTestRunEnd([moduleOf([testOf(outcomes[0]), testOf(undefined, 'skipped')])]);
    expect(readdirSync(join(folder, 'none'))).toEqual([]);
  });

  it('make a table that is checked and updated', () => {
    const document = join(folder, 'backends.md');
    const args = ['--reports', folder, '--document', document];
    const complaints = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(updateTable(args)).toBe(1);
    writeFileSync(join(folder, 'cpu-fused.json'), JSON.stringify(report));
    writeFileSync(document, '<!-- conformance -->\n<!-- /conformance -->\n');
    expect(updateTable([...args, '--check'])).toBe(1);
    expect(complaints.mock.calls.flat().join('')).toContain('is stale');
    expect(updateTable(args)).toBe(0);
    expect(updateTable([...args, '--check'])).toBe(0);
    expect(readFileSync(document, 'utf8')).toContain('| `exp` | f32 f64 [1] |');
    complaints.mockRestore();
  });
});
