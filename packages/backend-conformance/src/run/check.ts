import { isDdclError, type DdclErrorCode, type Program } from '@ddcl/core/backend';
import { compare, type Expected } from '../compare/compare.ts';
import { evaluate } from '../compare/enclosure.ts';
import { withTolerances } from '../compare/tolerances.ts';
import type { Value } from '../oracle/tensor.ts';
import type { CaseContext } from './context.ts';
import { describeCall } from './describe-call.ts';
import { fail } from './failure.ts';

export interface CheckOptions {
  /** Numbers from elsewhere to compare with, instead of the oracle's; the tolerances are the oracle's all the same. */
  readonly expected?: readonly (readonly number[])[];
}

/**
 * float64 numbers of the oracle are rounded as well, in about the same way: two errors meet.
 * For float32 the oracle is exact.
 */
const oracleShare = { float32: 1, float64: 2, int32: 1, float16: 1 } as const;

/** What a program should give, with a tolerance for each element. */
export function expectedResults(
  { options }: Pick<CaseContext, 'options'>,
  program: Program,
  inputs: readonly Value[],
  { expected }: CheckOptions = {},
): Expected[] {
  return evaluate(program, inputs, withTolerances(options.tolerances)).map(({ type, data, bound }, index) => ({
    type,
    data: expected?.[index] ?? data,
    bound: oracleShare[type.dtype] === 1 ? bound : bound.map((allowed) => allowed * oracleShare[type.dtype]),
  }));
}

/** Compares results with what was expected. Returns the worst error; fails if it is above 1. */
export function checkResults(
  title: string,
  actual: readonly ArrayLike<number>[],
  expected: readonly Expected[],
): number {
  let worst = 0;
  expected.forEach((each, index) => {
    const comparison = compare(Array.from(actual[index]!), each);
    if (!(comparison.worst <= 1)) fail(`${title}: result ${index} ${comparison.message}`, comparison.worst);
    worst = Math.max(worst, comparison.worst);
  });
  return worst;
}

/** Runs a program on the backend and compares with the oracle. Returns the worst error in units of the tolerance. */
export async function checkProgram(
  context: CaseContext,
  program: Program,
  inputs: readonly Value[],
  options: CheckOptions = {},
): Promise<number> {
  const expected = expectedResults(context, program, inputs, options);
  const actual = await context.evaluate(program, inputs);
  return checkResults(describeCall(program, inputs), actual, expected);
}

/** Fails unless `action` throws or rejects with a DdclError of one of the codes, whose text is not empty. */
export async function expectError(
  what: string,
  codes: DdclErrorCode | readonly DdclErrorCode[],
  action: () => unknown,
): Promise<void> {
  const wanted = [codes].flat();
  let error: unknown;
  try {
    await action();
  } catch (caught) {
    error = caught ?? new Error('undefined was thrown');
  }
  const code = wanted.map((each) => `'${each}'`).join(' or ');
  if (error === undefined) fail(`${what}: an error with code ${code} was expected, but nothing was thrown`);
  if (!isDdclError(error)) fail(`${what}: a DdclError with code ${code} was expected, but got ${String(error)}`);
  if (!wanted.includes(error.code)) {
    fail(`${what}: an error with code ${code} was expected, but got '${error.code}' (${error.message})`);
  }
}
