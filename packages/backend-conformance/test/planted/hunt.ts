import { conformanceGroups, type ConformanceCase } from '../../src/run/case.ts';
import { createContext } from '../../src/run/context.ts';
import { runCase, type CaseOutcome } from '../../src/run/run-case.ts';
import { featuresOf } from '../../src/run-conformance.ts';
import type { PlantedFault } from './planted-fault.ts';
import { differ } from './probes.ts';

/** What the probe sees with the fault and without it; undefined where that is the same. */
export async function reality({
  make,
  right,
  probe,
}: PlantedFault): Promise<{ right: unknown; faulty: unknown } | undefined> {
  const [sound, broken] = [await right(), await make()];
  const seen = { right: await probe(sound), faulty: await probe(broken).catch((error: unknown) => String(error)) };
  try {
    sound.dispose();
    broken.dispose();
  } catch {
    // The end may be what is wrong with it.
  }
  return differ(seen.right, seen.faulty) ? seen : undefined;
}

/** `add(f32[3], f32[3]) -> (f32[3]): result 0 f32[3] [2]: expected 3, got 4`: op, shapes and the worst element, or that there are others. */
const worstElement = /\(.*\w+\[.*\).*(expected .*, got |element \d+|elements expected, \d+ came|instead of)/s;

/** The first case that finds the fault, and says what a reader needs. Cases of likely groups are asked first, then all others. */
export async function hunt(
  { make, likely, options = {}, inNumbers }: PlantedFault,
  cases: readonly ConformanceCase[],
): Promise<{ outcome: CaseOutcome; asked: number } | undefined> {
  const groups = [...likely, ...conformanceGroups.filter((group) => !likely.includes(group))];
  let asked = 0;
  for (const group of groups) {
    const context = await createContext(make, options);
    const features = featuresOf(context.backend, options);
    for (const each of cases) {
      if (each.group !== group || !each.applies(features)) continue;
      asked++;
      const outcome = await runCase(each, context);
      if (outcome.status === 'failed' && (!inNumbers || worstElement.test(outcome.message ?? '')))
        return { outcome, asked };
    }
    try {
      context.dispose();
    } catch {
      // Asked of a backend that may be wrong in this.
    }
  }
  return undefined;
}
