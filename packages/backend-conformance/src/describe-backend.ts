import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceGroups, type ConformanceCase } from './run/case.ts';
import { conformanceCases } from './conformance-cases.ts';
import { deviationProblems, type Deviation } from './run/deviations.ts';
import { createContext, type ContextOptions, type MakeBackend, type OwnedContext } from './run/context.ts';
import type { ConformanceMeta } from './report/report.ts';
import { toleranceProblems } from './compare/tolerances.ts';
import { runCase } from './run/run-case.ts';
import { featuresOf } from './run-conformance.ts';

/** What {@link describeBackend} takes. */
export interface DescribeBackendOptions extends ContextOptions {
  /** Cases that the backend is known to fail, each with its reason. They still run. */
  readonly deviations?: readonly Deviation[];
  /** Whether the backend gets a report, and so a column in the support table. Default true. */
  readonly report?: boolean;
  /** Asks only some cases, where a device takes minutes for all: the others belong in another test file. Default: all. */
  readonly only?: (each: ConformanceCase) => boolean;
}

/** Milliseconds; a thousand runs on a slow device take a while, and vitest's default is 5 seconds. */
const timeout = 120_000;

/** The same for all backends of a file: a program that one case traced needs no tracing again. */
let allCases: ConformanceCase[] | undefined;

/**
 * Asks a backend everything that the contract promises, as tests of vitest (in Node or in a browser).
 *
 *     describeBackend('cpu', () => cpuBackend());
 *
 * @param name for the titles and the report; one name per configuration
 * @param makeBackend called once per group of cases, and for each case that ends its backend
 */
export function describeBackend(name: string, makeBackend: MakeBackend, options: DescribeBackendOptions = {}): void {
  const { deviations = [], report = true, only = () => true } = options;
  describe(`conformance of ${name}`, async () => {
    // What the backend can do decides which cases there are, so one is made before the tests are known.
    const probe = await makeBackend();
    const features = featuresOf(probe, options);
    probe.dispose();
    const cases = (allCases ??= conformanceCases()).filter((each) => each.applies(features));

    it('has sound deviations', () => {
      expect(deviationProblems(deviations, cases)).toEqual([]);
    });

    it('has sound tolerances of its own', () => {
      expect(toleranceProblems(options.tolerances ?? {})).toEqual([]);
    });

    const asked = cases.filter(only);
    for (const group of conformanceGroups) {
      const members = asked.filter((each) => each.group === group);
      if (members.length === 0) continue;
      describe(group, () => {
        let context: OwnedContext | undefined;
        beforeAll(async () => {
          context = await createContext(makeBackend, options);
        }, timeout);
        afterAll(() => context?.dispose());

        for (const each of members) {
          it(each.id, { timeout }, async ({ task }) => {
            const outcome = await runCase(each, context!, deviations);
            const { dtypes, composites } = features.capabilities;
            const meta: ConformanceMeta = { backend: name, capabilities: { dtypes, composites }, outcome };
            if (report) (task.meta as { conformance?: ConformanceMeta }).conformance = meta;
            if (outcome.status === 'failed') expect.fail(outcome.message ?? `${each.id} failed`);
          });
        }
      });
    }
  });
}
