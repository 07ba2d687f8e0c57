import { DdclError } from '../errors/ddcl-error.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import { resolveFitOptions, type FitOptions } from './options.ts';

/** What decides the course of a fit, as text by name. */
export type FitIdentity = Readonly<Record<string, string>>;

/** Texts longer than this are not shown in messages. */
const shownCharacters = 60;

/**
 * The options that decide the course of a fit, defaults filled in, with what the caller adds as `identity`: of two fits with the same
 * identity and the same tokens, one's checkpoint serves the other.
 *
 * @throws DdclError `argument` for an option out of range, and for an `identity` with a name that is used here
 */
export function fitIdentity(given: FitOptions): FitIdentity {
  const options = resolveFitOptions(given);
  const { start, optimizer, temperature, identity = {} } = options;
  const own = {
    prototypes: String(options.prototypes),
    temperature: typeof temperature === 'object' ? `${temperature.ofCritical} of T_c` : String(temperature),
    anneal: String(options.anneal),
    relocate: String(options.relocate),
    epochs: String(options.epochs ?? 'default'),
    steps: String(options.steps ?? 'default'),
    batch: String(options.batch ?? 'default'),
    'learning rate': String(options.learningRate),
    'constant rate': String(options.constantRate),
    optimizer: [optimizer.name, ...Object.entries(optimizer.settings).map(([name, value]) => `${name}=${value}`)].join(
      ' ',
    ),
    start: typeof start === 'string' ? start : Array.from(start).join(' '),
    restarts: String(options.restarts),
    dtype: options.dtype,
    seed: String(options.seed),
    shuffle: String(options.shuffle),
    records: String(options.records ?? 'default'),
    settle: String(options.settle),
    'token memory': String(options.tokenMemory),
    refinement: `${options.refinement.passes} passes, tolerance ${options.refinement.tolerance}`,
  };
  const twice = Object.keys(identity).find((name) => Object.hasOwn(own, name));
  if (twice === undefined) return { ...own, ...identity };
  throw new DdclError('argument', `identity has the name '${twice}', which an option has. Give it another.`);
}

/** What a fit knows its tokens by. */
export function tokenIdentity({ tokens, weight, criticalTemperature, mean }: TokenStatistics): FitIdentity {
  return {
    tokens: String(tokens),
    weight: String(weight),
    criticalTemperature: String(criticalTemperature),
    mean: mean.slice(0, 8).join(' '),
  };
}

/** What differs, as `seed was 1, is 2; other start`; empty if nothing does. */
export function fitDifferences(earlier: FitIdentity, now: FitIdentity): string {
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(now)])];
  const differences = names.flatMap((name) => {
    const [was, is] = [earlier, now].map((of) => (Object.hasOwn(of, name) ? of[name]! : 'not set')) as [string, string];
    if (was === is) return [];
    return was.length > shownCharacters || is.length > shownCharacters
      ? `other ${name}`
      : `${name} was ${was}, is ${is}`;
  });
  return differences.join('; ');
}

/** @throws DdclError `data` if a checkpoint belongs to other options or other tokens, naming what differs */
export function requireSameFit(earlier: FitIdentity, now: FitIdentity): void {
  const differences = fitDifferences(earlier, now);
  if (differences === '') return;
  throw new DdclError(
    'data',
    `The checkpoint belongs to another fit: ${differences}. Resume with the same options and tokens, or start a new fit.`,
  );
}
