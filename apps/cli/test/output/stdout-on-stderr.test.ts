import { afterEach, describe, expect, it, vi } from 'vitest';
import { withStdoutOnStderr } from '../../src/output/stdout-on-stderr.ts';

afterEach(() => vi.restoreAllMocks());

describe('withStdoutOnStderr', () => {
  it('gives stdout back when the last of several pieces of work ends, in whatever order', async () => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const ends: (() => void)[] = [];
    const work = (): Promise<void> => withStdoutOnStderr(() => new Promise((resolve) => ends.push(resolve)));
    const [first, second] = [work(), work()];
    process.stdout.write('while both go on');
    ends[0]!();
    await first;
    process.stdout.write('while one goes on');
    ends[1]!();
    await second;
    process.stdout.write('after');
    expect(err.mock.calls.map(([text]) => text)).toEqual(['while both go on', 'while one goes on']);
    expect(out.mock.calls.map(([text]) => text)).toEqual(['after']);
    await expect(withStdoutOnStderr(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    process.stdout.write('again');
    expect(out).toHaveBeenCalledTimes(2);
  });
});
