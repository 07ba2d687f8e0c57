import { DdclError } from '../errors/ddcl-error.ts';

/** A share of the critical temperature T_c: > 0 and < 1. */
export interface CriticalShare {
  readonly ofCritical: number;
}

/** A temperature: a number in units of squared distance, or a share of the critical temperature. */
export type GivenTemperature = number | CriticalShare;

/** A final temperature; `auto` is 0.003 of the critical one, or less where the cells of the prototypes are small beside it. */
export type TemperatureChoice = GivenTemperature | 'auto';

/** The share of the critical temperature at which every annealed fit starts: just below, so that the first split happens at once. */
export const startTemperatureShare = 0.9;

/** Temperatures as people read them. */
function short(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

/**
 * A temperature in units of squared distance; a number is itself.
 *
 * @param critical `T_c`, that of the model or of the tokens
 * @throws DdclError `temperature` for a share that is not > 0 and < 1
 */
export function temperatureOf(given: GivenTemperature, critical: number): number {
  if (typeof given === 'number') return given;
  if (given.ofCritical > 0 && given.ofCritical < 1) return given.ofCritical * critical;
  throw new DdclError(
    'temperature',
    `A share of the critical temperature must be > 0 and < 1, but ofCritical is ${given.ofCritical}; at T_c or above it all prototypes collapse into one point. Give a share such as 0.03.`,
  );
}

/**
 * The final temperature of a fit that was given one.
 *
 * @param critical `T_c = 4 lambda_max(C)`, above which all prototypes fall together (docs/math.md section 5)
 * @throws DdclError `temperature` unless 0 < T < T_c
 */
export function resolveTemperature(choice: GivenTemperature, critical: number): number {
  if (typeof choice !== 'number') return temperatureOf(choice, critical);
  if (!(choice > 0) || choice === Infinity) {
    throw new DdclError(
      'temperature',
      `The temperature must be > 0, but is ${choice}. Use 'auto', or a number below T_c = ${short(critical)}.`,
    );
  }
  if (choice < critical) return choice;
  throw new DdclError(
    'temperature',
    `The temperature T = ${short(choice)} is not below the critical temperature T_c = ${short(critical)} of these tokens; at or above it all prototypes collapse into one point. Use 'auto', or a number below ${short(critical)}.`,
  );
}
