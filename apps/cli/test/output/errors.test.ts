import { DdclError } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { reportError } from '../../src/output/errors.ts';
import { owning } from '../../src/output/own.ts';

function report(error: unknown, debug = false): readonly [string, number] {
  let text = '';
  const status = reportError(error, { command: 'measure', debug, write: (part) => (text += part) });
  return [text, status];
}

const reportHint =
  " This is a defect of ddcl: please report it with the command, what it prints with --debug, and the output of 'ddcl doctor'.\n";

describe('an error becomes one line', () => {
  it.each([
    ['a mistake', new DdclError('data', 'row 3 is\n  empty'), 'ddcl: row 3 is empty\n', 2],
    ['Ctrl-C', new DdclError('aborted', 'aborted'), 'ddcl: stopped. Run the command again.\n', 130],
    ['a lost device', new DdclError('lost', 'the device went away'), 'ddcl: the device went away\n', 1],
    ['a defect', new TypeError('x is\nundefined'), `ddcl: unexpected: TypeError: x is undefined.${reportHint}`, 1],
    ['a text that is thrown', 'boo', `ddcl: unexpected: 'boo'.${reportHint}`, 1],
    ['nothing that is thrown', undefined, `ddcl: unexpected: undefined.${reportHint}`, 1],
    [
      'a full disk',
      Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' }),
      'ddcl: the system refused it (ENOSPC: no space left on device, write). Free some space, or write to another place, and run the command again.\n',
      1,
    ],
  ])('%s', (_, error, text, status) => {
    expect(report(error)).toEqual([text, status]);
  });

  it('in linear time, whatever a file wrote into it', () => {
    // A pattern that tries every run of spaces takes minutes for this one.
    const [text] = report(new DdclError('data', `a${' '.repeat(500_000)}b \n c`));
    expect(text).toMatch(/^ddcl: a {1493} \[\.\.\.\] {398}b c\n$/);
  });

  it('that ends with what to do, however much of a file stands before it', () => {
    const [text] = report(
      new DdclError('format', `x.npy: has the shape (${'9'.repeat(900_000)}). Save it with numpy.save.`),
    );
    expect(text.length).toBeLessThan(2100);
    expect(text).toMatch(/^ddcl: x\.npy: has the shape \(9+ \[\.\.\.\] 9+\)\. Save it with numpy\.save\.\n$/);
    const whole = 'a'.repeat(1990);
    expect(report(new DdclError('format', whole))[0]).toBe(`ddcl: ${whole}\n`);
  });

  it('and with --debug its stack and those of its causes follow', () => {
    const [text] = report(new Error('outer', { cause: new RangeError('inner') }), true);
    expect(text.split('\n')[0]).toMatch(/^ddcl: unexpected: Error: outer\./);
    expect(text).toMatch(/\n\s+at .*errors\.test\.ts/);
    expect(text).toContain('RangeError: inner');
  });
});

describe('what is owned', () => {
  it('is closed last first, and the first error stays the one that is told', async () => {
    const closed: string[] = [];
    const run = owning(async (own) => {
      own('first', () => void closed.push('first'));
      own('second', () => {
        throw new Error('closing');
      });
      own('third', () => void closed.push('third'));
      throw new Error('work');
    });
    await expect(run).rejects.toThrow('work');
    expect(closed).toEqual(['third', 'first']);
    const quiet = owning(async (own) => own(1, () => Promise.reject(new Error('closing'))));
    await expect(quiet).rejects.toThrow('closing');
  });
});
