import type { CaseOutcome } from '../run/run-case.ts';
import { nodeFiles, writeWhole } from './node-files.ts';
import {
  conformanceReport,
  reportFileName,
  type ConformanceMeta,
  type ConformanceReport,
  type ReportEntry,
} from './report.ts';

/** What {@link ConformanceReporter} takes. */
export interface ConformanceReporterOptions {
  /** Where reports go; made if there is none. Relative to the working directory. Default `conformance`. */
  readonly folder?: string;
}

/** The part of vitest's `TestCase` that is read; structural, so that the reporter's types need none of vitest's. */
interface FinishedTest {
  readonly fullName: string;
  meta(): object;
  result(): { readonly state: string };
}

interface FinishedModule {
  readonly children: { allTests(): Iterable<FinishedTest> };
}

interface Collected {
  readonly capabilities: ConformanceMeta['capabilities'];
  readonly outcomes: CaseOutcome[];
}

function readReport(file: string): ConformanceReport | undefined {
  try {
    return JSON.parse(nodeFiles().fs.readFileSync(file, 'utf8')) as ConformanceReport;
  } catch {
    // There is none, or it is not one: a new one will be.
    return undefined;
  }
}

/** Errors within a factor of 2 are the same: engines differ in the last bits of exp and tanh. */
function moved(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before !== now;
  return Math.max(before, now, 0.01) > 2 * Math.max(Math.min(before, now), 0.005);
}

/** Whether a report says anything new; reports are kept in the repository, and should not change with the machine. */
function differs(before: ConformanceReport | undefined, now: ConformanceReport): boolean {
  const withoutErrors = ({ worst: _worst, worstCase: _case, ...rest }: ReportEntry): object => rest;
  const essence = (report: ConformanceReport): string =>
    JSON.stringify({ ...report, entries: report.entries.map(withoutErrors) });
  if (before?.format !== 1 || essence(before) !== essence(now)) return true;
  return now.entries.some(({ worst }, index) => moved(before.entries[index]!.worst, worst));
}

/**
 * A reporter of vitest that writes what `describeBackend` found as `NAME.json`, one file per backend. It reads
 * `task.meta`, so it works for tests in a browser too.
 *
 *     reporters: ['default', new ConformanceReporter({ folder: 'conformance' })]
 */
export default class ConformanceReporter {
  readonly #folder: string;

  constructor({ folder = 'conformance' }: ConformanceReporterOptions = {}) {
    this.#folder = folder;
  }

  onTestRunEnd(modules: readonly FinishedModule[]): void {
    const backends = new Map<string, Collected>();
    const partial: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { conformance } = test.meta() as { conformance?: ConformanceMeta };
        if (conformance === undefined) {
          if (test.result().state === 'skipped') partial.push(test.fullName);
          continue;
        }
        const { backend, capabilities, outcome } = conformance;
        const collected = backends.get(backend) ?? { capabilities, outcomes: [] };
        collected.outcomes.push(outcome);
        backends.set(backend, collected);
      }
    }
    if (backends.size === 0) return;
    const { fs, path } = nodeFiles();
    fs.mkdirSync(this.#folder, { recursive: true });
    for (const [backend, { capabilities, outcomes }] of backends) {
      // A run of some cases only (vitest -t) must not replace the report of all.
      if (partial.some((name) => name.includes(`conformance of ${backend} >`))) continue;
      const file = path.join(this.#folder, reportFileName(backend));
      const report = conformanceReport(backend, capabilities, outcomes);
      if (differs(readReport(file), report)) writeWhole(file, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  }
}
