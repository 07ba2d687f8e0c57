import type { ConformanceCase } from './case.ts';
import { deviates, type Deviation } from './deviations.ts';
import type { OwnedContext } from './context.ts';
import { ConformanceFailure } from './failure.ts';

/** How a case went; plain data, so that it crosses from a browser to the reporter unchanged. */
export interface CaseOutcome {
  readonly id: string;
  readonly group: string;
  readonly op: string | null;
  readonly dtype: string | null;
  /** `deviation`: it failed, as a deviation said it would. */
  readonly status: 'passed' | 'failed' | 'deviation';
  /** Worst error in units of the tolerance; null if no numbers were compared, or infinitely many would fit. */
  readonly worst: number | null;
  /** What went wrong; for a deviation its reason. */
  readonly message: string | null;
}

/** Runs a case and judges it by the deviations. Never throws for what the backend does. */
export async function runCase(
  tested: ConformanceCase,
  context: OwnedContext,
  deviations: readonly Deviation[] = [],
): Promise<CaseOutcome> {
  const { id, group, op = null, dtype = null } = tested;
  const deviation = deviations.find((each) => deviates(each, id));
  const common = { id, group, op, dtype };
  try {
    const worst = (await tested.run(context)) ?? null;
    // The end of the case's own backends is part of it: dispose is to be called any number of times.
    context.endCase();
    if (deviation === undefined) return { ...common, status: 'passed', worst, message: null };
    const message = `${id} passes, although a deviation says that it fails (${deviation.reason}). Remove the deviation.`;
    return { ...common, status: 'failed', worst, message };
  } catch (error) {
    context.disturb();
    const worst = error instanceof ConformanceFailure && Number.isFinite(error.worst) ? error.worst! : null;
    if (deviation !== undefined) return { ...common, status: 'deviation', worst, message: deviation.reason };
    return { ...common, status: 'failed', worst, message: error instanceof Error ? error.message : String(error) };
  } finally {
    endQuietly(context);
  }
}

/** After a failure, which is what there is to say. */
function endQuietly(context: OwnedContext): void {
  try {
    context.endCase();
  } catch {
    // Said already, or less interesting than what was said.
  }
}
