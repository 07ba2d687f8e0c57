import type { ConformanceCase } from './case.ts';

/**
 * A case that a backend is known to fail. It still runs: when it passes, that is a failure, so that the
 * list never says more than is true.
 */
export interface Deviation {
  /** The id of a case, or an expression that finds ids; every case that it finds must fail. */
  readonly case: string | RegExp;
  /** Why the backend cannot do better; shown in the report. */
  readonly reason: string;
}

/** Whether a deviation names a case. */
export function deviates(deviation: Deviation, id: string): boolean {
  return typeof deviation.case === 'string'
    ? deviation.case === id
    : new RegExp(deviation.case, deviation.case.flags.replace(/[gy]/g, '')).test(id);
}

/**
 * What is wrong with a list of deviations itself: one without a reason, or one that names no case that is asked.
 * @param cases those that the backend is asked
 */
export function deviationProblems(deviations: readonly Deviation[], cases: readonly ConformanceCase[]): string[] {
  return deviations.flatMap((deviation) => {
    const name = String(deviation.case);
    const problems: string[] = [];
    if (deviation.reason.trim() === '')
      problems.push(`The deviation ${name} has no reason. Say why the backend cannot do better.`);
    if (!cases.some(({ id }) => deviates(deviation, id))) {
      problems.push(`The deviation ${name} matches no case. Cases may have been renamed; remove it or correct it.`);
    }
    return problems;
  });
}
