import type { CaseOutcome } from '../run/run-case.ts';

/** What a vitest test of the suite carries in `task.meta.conformance`. */
export interface ConformanceMeta {
  /** The name given to `describeBackend`. */
  readonly backend: string;
  readonly capabilities: ReportedCapabilities;
  readonly outcome: CaseOutcome;
}

export interface ReportedCapabilities {
  readonly dtypes: readonly string[];
  readonly composites: readonly string[];
}

/** How the cases of one op and dtype went; or of the contract, which belongs to no op. */
export interface ReportEntry {
  /** A primitive, a composite with its version, or `contract`. */
  readonly op: string;
  /** Null for cases without a dtype. */
  readonly dtype: string | null;
  /** The worst of its cases: failed before deviation before passed. */
  readonly status: 'passed' | 'deviation' | 'failed';
  readonly cases: number;
  readonly failed: number;
  readonly deviations: number;
  /** Worst error in units of the tolerance; null if no numbers were compared. */
  readonly worst: number | null;
  /** The case with the worst error. */
  readonly worstCase: string | null;
  /** Reasons of the deviations. */
  readonly reasons: readonly string[];
}

/** What is written to `conformance/NAME.json`. */
export interface ConformanceReport {
  readonly format: 1;
  readonly backend: string;
  readonly capabilities: ReportedCapabilities;
  readonly cases: number;
  readonly entries: readonly ReportEntry[];
}

/** Cases without an op. */
export const contractEntry = 'contract';

function entryOf(op: string, dtype: string | null, outcomes: readonly CaseOutcome[]): ReportEntry {
  const failed = outcomes.filter(({ status }) => status === 'failed').length;
  const deviating = outcomes.filter(({ status }) => status === 'deviation');
  let worst: CaseOutcome | undefined;
  for (const outcome of outcomes) {
    if (outcome.worst !== null && outcome.worst > (worst?.worst ?? -1)) worst = outcome;
  }
  return {
    op,
    dtype,
    status: failed > 0 ? 'failed' : deviating.length > 0 ? 'deviation' : 'passed',
    cases: outcomes.length,
    failed,
    deviations: deviating.length,
    // Three digits: the rest changes with the engine.
    worst: worst === undefined ? null : Number(worst.worst!.toPrecision(3)),
    worstCase: worst?.id ?? null,
    reasons: [...new Set(deviating.map(({ message }) => message ?? ''))].sort(),
  };
}

/** Sums up the outcomes of one backend, by op and dtype. */
export function conformanceReport(
  backend: string,
  capabilities: ReportedCapabilities,
  outcomes: readonly CaseOutcome[],
): ConformanceReport {
  const byEntry = new Map<string, CaseOutcome[]>();
  for (const outcome of outcomes) {
    const key = JSON.stringify([outcome.op ?? contractEntry, outcome.op === null ? null : outcome.dtype]);
    byEntry.set(key, [...(byEntry.get(key) ?? []), outcome]);
  }
  const entries = [...byEntry].map(([key, members]) => {
    const [op, dtype] = JSON.parse(key) as [string, string | null];
    return entryOf(op, dtype, members);
  });
  const place = ({ op, dtype }: ReportEntry): string => `${op} ${dtype ?? ''}`;
  entries.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  const { dtypes, composites } = capabilities;
  return { format: 1, backend, capabilities: { dtypes, composites }, cases: outcomes.length, entries };
}

/** The file name of a backend's report. */
export function reportFileName(backend: string): string {
  return `${backend
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')}.json`;
}
