import type { Backend } from '@ddcl/core/backend';
import { conformanceGroups, type BackendFeatures, type ConformanceCase } from './run/case.ts';
import { conformanceCases } from './conformance-cases.ts';
import type { Deviation } from './run/deviations.ts';
import { createContext, type ContextOptions, type MakeBackend } from './run/context.ts';
import { runCase, type CaseOutcome } from './run/run-case.ts';

/** What a backend has that cases may ask for. */
export function featuresOf(backend: Backend, options: ContextOptions = {}): BackendFeatures {
  return {
    capabilities: backend.capabilities,
    wraps: backend.wrap !== undefined && backend.unwrap !== undefined,
    losesDevice: options.loseDevice !== undefined,
  };
}

/** What {@link runConformance} takes. */
export interface RunConformanceOptions extends ContextOptions {
  /** Cases that the backend is known to fail, each with its reason. They still run. */
  readonly deviations?: readonly Deviation[];
  /** Runs only some cases. */
  readonly only?: (each: ConformanceCase) => boolean;
}

/** Asks a backend all cases that apply to it, without a test runner: in a script, a worker, or a page. */
export async function runConformance(
  makeBackend: MakeBackend,
  options: RunConformanceOptions = {},
): Promise<CaseOutcome[]> {
  const { deviations = [], only = () => true } = options;
  const outcomes: CaseOutcome[] = [];
  const cases = conformanceCases().filter(only);
  for (const group of conformanceGroups) {
    const members = cases.filter((each) => each.group === group);
    if (members.length === 0) continue;
    const context = await createContext(makeBackend, options);
    const features = featuresOf(context.backend, options);
    for (const each of members) if (each.applies(features)) outcomes.push(await runCase(each, context, deviations));
    context.dispose();
  }
  return outcomes;
}
