import { short, type FitMeasures } from './measures.ts';

/** What a reader of the figures has to be told. */
export function warningsOf(measures: FitMeasures): string[] {
  const { prototypes, distinct, used, temperature, criticalTemperature, stability } = measures;
  const warnings: string[] = [];
  if (temperature >= criticalTemperature) {
    warnings.push(
      `T = ${short(temperature)} is not below the critical temperature ${short(criticalTemperature)}: at this temperature prototypes collapse into one point.`,
    );
  }
  if (distinct < prototypes) {
    warnings.push(
      `Only ${distinct} of ${prototypes} prototypes are distinct; a lower temperature splits merged ones, or ask for fewer.`,
    );
  }
  if (used < 1)
    warnings.push(
      `${Math.round((1 - used) * prototypes)} of ${prototypes} prototypes are nearest to no token; fit with --restarts, or with fewer prototypes.`,
    );
  return [...warnings, ...stabilityWarnings(stability)];
}

/** A step that takes more than this off L_q says that prototypes are on their way, whatever else. */
const restlessDecrease = 1e-4;

function stabilityWarnings({
  curvature,
  decrease,
  converged,
  tokens,
  sampled,
  ...found
}: FitMeasures['stability']): string[] {
  const warnings: string[] = [];
  if (!converged)
    warnings.push('The Hessian eigenvalues have not converged: the smallest may be smaller, and the largest larger.');
  if (!(curvature.smallest > 0))
    warnings.push(
      `This is no stable minimum of L_q: its Hessian on ${sampled ? 'a sample of ' : ''}${tokens} tokens has the eigenvalue ${short(found.lambdaMin)} ` +
        `(no unit; ${short(curvature.smallest)} of the curvature that undivided tokens give). ${decrease > restlessDecrease ? `The prototypes are not at rest: one more step of all would take ${short(100 * decrease)} % off L_q. ` : ''}${causeOf(found.weakest)}` +
        (sampled
          ? ' A sample has fewer tokens in each cell and can be the cause itself: `ddcl measure` looks at all of them.'
          : ''),
    );
  return warnings;
}

function causeOf({ kind, prototypes }: FitMeasures['stability']['weakest']): string {
  const names = `prototype${prototypes.length > 1 ? 's' : ''} ${prototypes.join(', ')}`;
  if (kind === 'unused')
    return `No token is near ${names}, so nothing holds it: fit with --restarts, or with fewer prototypes.`;
  if (kind === 'merged')
    return `${names.replace('p', 'P')} lie together and want to part: fit with --settle, to a lower --temperature, or with fewer prototypes.`;
  return `Tokens on the boundary of ${names} are undecided, and either way lowers L_q, if by little: fit with --settle.`;
}
