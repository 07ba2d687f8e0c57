import { describe, expect, it } from 'vitest';
import { DdclError, internalError, isDdclError } from '../../src/errors/ddcl-error.ts';

describe('DdclError', () => {
  it('carries code, op, shapes and cause', () => {
    const cause = new Error('deeper');
    const error = new DdclError('shape', 'does not fit', { op: 'add', shapes: [[2], ['n']], cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'DdclError',
      message: 'does not fit',
      code: 'shape',
      op: 'add',
      shapes: [[2], ['n']],
      cause,
    });
    expect('cause' in new DdclError('data', 'no cause')).toBe(false);
    expect(internalError('odd').message).toMatch(/^internal: odd\. Please report/);
  });

  it('keeps its marker out of sight', () => {
    expect(Object.getOwnPropertySymbols({ ...new DdclError('data', 'x') })).toEqual([]);
    expect(Object.getOwnPropertySymbols(new DdclError('data', 'x'))).toEqual([Symbol.for('ddcl.error')]);
  });
});

describe('isDdclError', () => {
  it('recognises errors of another copy of the package', () => {
    class OtherCopy extends Error {
      readonly code = 'limit';
      constructor() {
        super('from the other copy');
        Object.defineProperty(this, Symbol.for('ddcl.error'), { value: true });
      }
    }
    const other: unknown = new OtherCopy();
    expect(other).not.toBeInstanceOf(DdclError);
    expect(isDdclError(other)).toBe(true);
    expect(isDdclError(other, 'limit')).toBe(true);
    expect(isDdclError(other, 'shape')).toBe(false);
  });

  it('asks for the code if there is one', () => {
    const error: unknown = new DdclError('dtype', 'x');
    expect([isDdclError(error), isDdclError(error, 'dtype'), isDdclError(error, 'shape')]).toEqual([true, true, false]);
  });

  it('is false for anything else', () => {
    for (const other of [
      undefined,
      null,
      0,
      'DdclError',
      new Error('x'),
      { name: 'DdclError', code: 'shape' },
      Symbol.for('ddcl.error'),
    ]) {
      expect(isDdclError(other)).toBe(false);
    }
  });
});
