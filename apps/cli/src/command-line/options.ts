import type { CriticalShare, GivenTemperature, TemperatureChoice } from '@ddcl/core/fit';
import { InvalidArgumentError, Option, type Command } from 'commander';

/** What an option's text stands for, or commander's complaint (exit status 2) if it is not what is expected. */
function parser<Value>(parse: (text: string) => Value | undefined, expected: string): (text: string) => Value {
  return (text) => {
    const value = parse(text);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

/** A finite number in a text, or undefined. */
function finite(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : undefined;
}

/** A whole number >= `least`. */
export const wholeNumber = (least: number): ((text: string) => number) =>
  parser((text) => {
    const value = Number(text);
    return /^\d+$/.test(text.trim()) && Number.isSafeInteger(value) && value >= least ? value : undefined;
  }, `a whole number >= ${least}`);

export const positiveNumber: (text: string) => number = parser((text) => {
  const value = finite(text);
  return value !== undefined && value > 0 ? value : undefined;
}, 'a number > 0');

/** A share of the critical temperature in a text such as `0.03tc`; undefined for a text that is none. */
function criticalShare(text: string): CriticalShare | undefined {
  const [, number] = /^(.*)tc$/i.exec(text.trim()) ?? [];
  const ofCritical = number === undefined ? undefined : finite(number);
  if (ofCritical === undefined) return undefined;
  if (ofCritical > 0 && ofCritical < 1) return { ofCritical };
  throw new InvalidArgumentError(
    'A share of the critical temperature T_c must be > 0 and < 1, such as 0.03tc: at T_c or above it all prototypes collapse into one point.',
  );
}

/** A number, or a share of the critical temperature; a number's range is checked against the data later. */
export const givenTemperature: (text: string) => GivenTemperature = parser(
  (text) => criticalShare(text) ?? finite(text),
  'a number, or a share of the critical temperature such as 0.03tc',
);

/** The same, or `auto`. */
export const temperatureChoice: (text: string) => TemperatureChoice = parser(
  (text) => (text === 'auto' ? text : (criticalShare(text) ?? finite(text))),
  "'auto', a number, or a share of the critical temperature such as 0.03tc",
);

/** `0.03,0.1tc`: shares of the critical temperature, with or without saying so. */
export const shareList: (text: string) => number[] = parser((text) => {
  const shares = text.split(',').map((part) => criticalShare(part)?.ofCritical ?? finite(part) ?? NaN);
  return shares.every((share) => share > 0 && share < 1) ? shares : undefined;
}, 'shares between 0 and 1 separated by commas');

/** `a,b,c` as a list of names without empty ones. */
export const nameList: (text: string) => string[] = parser((text) => {
  const names = text.split(',').map((name) => name.trim());
  return names.includes('') ? undefined : names;
}, 'names separated by commas');

/** `8,64` as numbers, each of which `isRight`. */
export const numberList = (isRight: (value: number) => boolean, wanted: string): ((text: string) => number[]) =>
  parser((text) => {
    const values = text.split(',').map((part) => finite(part) ?? NaN);
    return values.every(isRight) ? values : undefined;
  }, `${wanted} separated by commas`);

/** `a,b` as some of the choices. */
export const choiceList = <Choice extends string>(choices: readonly Choice[]): ((text: string) => Choice[]) => {
  const isChoice = (name: string): name is Choice => (choices as readonly string[]).includes(name);
  return parser(
    (text) => {
      const names = nameList(text);
      return names.every(isChoice) ? names : undefined;
    },
    `some of ${choices.join(', ')}`,
  );
};

export const seedOption = (): Option =>
  new Option('--seed <number>', 'seed of everything random; equal seeds give equal bytes')
    .default(0)
    .argParser(wholeNumber(0));

/** The command line as it was given, for records and reports. */
export function commandLine(command: Command): string {
  let program = command;
  while (program.parent !== null) program = program.parent;
  return `ddcl ${(program as unknown as { readonly rawArgs: readonly string[] }).rawArgs.slice(2).join(' ')}`;
}
