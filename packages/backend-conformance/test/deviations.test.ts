import { strictBackend } from '../src/index.ts';
import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { conformanceCase } from '../src/run/case.ts';
import { deviationProblems, deviates } from '../src/run/deviations.ts';
import { createContext } from '../src/run/context.ts';
import { fail } from '../src/run/failure.ts';
import { runCase, type CaseOutcome } from '../src/run/run-case.ts';

const passing = conformanceCase('lifecycle', 'passes', async () => 0.25);
const failing = conformanceCase('lifecycle', 'fails', async () => fail('3 instead of 2', 7));
const reason = 'the library has no such op';

async function outcomeOf(tested: typeof passing, deviation?: string | RegExp): Promise<CaseOutcome> {
  const context = await createContext(() => strictBackend());
  const outcome = await runCase(tested, context, deviation === undefined ? [] : [{ case: deviation, reason }]);
  context.dispose();
  return outcome;
}

describe('a case', () => {
  it('passes or fails', async () => {
    expect(await outcomeOf(passing)).toMatchObject({ status: 'passed', worst: 0.25, message: null });
    expect(await outcomeOf(failing)).toMatchObject({ status: 'failed', worst: 7, message: '3 instead of 2' });
  });

  it('that a deviation names still runs, and its failure is expected', async () => {
    expect(await outcomeOf(failing, 'lifecycle/fails')).toMatchObject({
      status: 'deviation',
      worst: 7,
      message: reason,
    });
    expect(await outcomeOf(failing, /fails$/)).toMatchObject({ status: 'deviation' });
    expect(await outcomeOf(failing, 'lifecycle/fail')).toMatchObject({ status: 'failed' });
  });

  it('that a deviation names and that passes is a failure', async () => {
    const outcome = await outcomeOf(passing, /passes/);
    expect(outcome.status).toBe('failed');
    expect(outcome.message).toContain('passes, although a deviation says that it fails (the library has no such op)');
  });

  it('that throws what is no error fails', async () => {
    const outcome = await outcomeOf(conformanceCase('lifecycle', 'odd', () => Promise.reject('odd')));
    expect(outcome).toMatchObject({ status: 'failed', message: 'odd', worst: null });
  });

  it('ends the backends that it made, also when it fails', async () => {
    const made: Backend[] = [];
    const context = await createContext(() => {
      const backend = strictBackend();
      made.push(backend);
      return backend;
    });
    await runCase(
      conformanceCase('lifecycle', 'makes one', async ({ fresh }) => {
        (await fresh()).upload({ dtype: 'float32', shape: [1] }, new Float32Array(1));
        fail('after that');
      }),
      context,
    );
    expect(made).toHaveLength(2);
    expect(made[1]!.memory()).toEqual({ buffers: 0, bytes: 0 });
    context.dispose();
  });
});

describe('a list of deviations', () => {
  it('is sound if each has a reason and names a case', () => {
    expect(deviationProblems([{ case: /fail/, reason }], [passing, failing])).toEqual([]);
  });

  it('is not, with one that names no case', () => {
    expect(deviationProblems([{ case: 'lifecycle/gone', reason }], [passing])).toEqual([
      'The deviation lifecycle/gone matches no case. Cases may have been renamed; remove it or correct it.',
    ]);
  });

  it('is not, with one that has no reason', () => {
    expect(deviationProblems([{ case: 'lifecycle/fails', reason: '  ' }], [failing])).toEqual([
      'The deviation lifecycle/fails has no reason. Say why the backend cannot do better.',
    ]);
  });

  it('takes a global expression as often as any other', () => {
    const deviation = { case: /fails/g, reason };
    expect([deviates(deviation, failing.id), deviates(deviation, failing.id)]).toEqual([true, true]);
  });
});
