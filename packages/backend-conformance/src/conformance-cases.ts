import { conformanceCase, conformanceGroups, type ConformanceCase } from './run/case.ts';
import { compositeCases } from './cases/composites/composites.ts';
import { compositePartCases } from './cases/composites/parts.ts';
import { bufferCases } from './cases/contract/buffers.ts';
import { concurrencyCases } from './cases/contract/concurrency.ts';
import { determinismCases } from './cases/contract/determinism.ts';
import { lossCases, wrapCases } from './cases/contract/device.ts';
import { donationCases } from './cases/contract/donation.ts';
import { errorCases } from './cases/contract/errors.ts';
import { lifecycleCases } from './cases/contract/lifecycle.ts';
import { likeProgramCases } from './cases/contract/like-programs.ts';
import { limitCases } from './cases/contract/limits.ts';
import { memoryCases } from './cases/contract/memory.ts';
import { repeatedRunCases } from './cases/contract/repeated-runs.ts';
import { resultCases } from './cases/contract/results.ts';
import { symbolicCases } from './cases/contract/symbolic.ts';
import { underWayCases } from './cases/contract/under-way.ts';
import { gradientCases } from './cases/numbers/gradients.ts';
import { largeCases } from './cases/numbers/large.ts';
import { layoutChainCases } from './cases/primitives/layout-chains.ts';
import { magnitudeCases } from './cases/numbers/magnitude.ts';
import { quantityCases } from './cases/numbers/quantities.ts';
import { tieCases } from './cases/numbers/ties.ts';
import { weightCases } from './cases/numbers/weights.ts';
import { primitiveCases } from './cases/primitives/primitives.ts';

/** All cases, by group. They know nothing of a test runner: see {@link ConformanceCase.run}. */
export function conformanceCases(): ConformanceCase[] {
  const cases = [
    ...lifecycleCases(),
    ...bufferCases(),
    ...primitiveCases(),
    ...tieCases(),
    ...magnitudeCases(),
    ...largeCases(),
    ...layoutChainCases(),
    ...compositeCases(),
    ...compositePartCases(),
    ...weightCases(),
    ...gradientCases(),
    ...quantityCases(),
    ...symbolicCases(),
    ...resultCases(),
    ...repeatedRunCases(),
    ...likeProgramCases(),
    ...errorCases(),
    ...limitCases(),
    ...donationCases(),
    ...memoryCases(),
    ...concurrencyCases(),
    ...underWayCases(),
    ...determinismCases(),
    ...wrapCases(),
    ...lossCases(),
  ];
  // Last in each group that is asked anything.
  const ends = conformanceGroups.map((group) =>
    conformanceCase(group, 'nothing stays behind', async (context) => context.requireNothingLeft(), {
      applies: (features) => cases.some((each) => each.group === group && each.applies(features)),
    }),
  );
  const place = (each: ConformanceCase): number => conformanceGroups.indexOf(each.group);
  // A stable sort: the order within a group stays.
  return [...cases, ...ends].sort((a, b) => place(a) - place(b));
}
