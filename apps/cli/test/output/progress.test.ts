import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { showFit } from '../../src/fit/show-fit.ts';
import { createProgress, type Progress } from '../../src/output/progress.ts';

/** As much of a stream as a display uses. */
function fakeStream(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = { isTTY, columns: 200, write: (some: string) => ((text += some), true), on: () => stream };
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['performance', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'],
    }),
);
afterEach(() => void vi.useRealTimers());

const tokens = (done: number, detail?: string): Parameters<Progress['show']>[0] => ({
  phase: 'measuring',
  done,
  total: 1000,
  unit: 'tokens',
  detail,
});

describe('without a terminal', () => {
  it('prints nothing of work that takes less than ten seconds', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    for (let done = 0; done <= 999; done += 111) {
      progress.show(tokens(done));
      vi.advanceTimersByTime(999);
    }
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(text()).toBe('');
  });

  it('prints a line every ten seconds: phase, share, time left, what is known so far', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    for (let second = 0; second <= 25; second++) {
      progress.show(tokens(second * 20, second < 15 ? undefined : 'hard error 22.19'));
      vi.advanceTimersByTime(1000);
    }
    expect(text()).toBe(
      // From the timer, with what was known a second before.
      'measuring: 18 % of 1,000 tokens, about 41 s left\nmeasuring: 38 % of 1,000 tokens, about 31 s left, hard error 22.19\n',
    );
    progress.stop();
  });

  it('prints from the next call where a long one lets no timer in between', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    progress.show(tokens(0));
    // The thread is held: time passes, and no timer fires.
    vi.setSystemTime(Date.now() + 12_000);
    const held = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 12_000);
    progress.show(tokens(100));
    held.mockRestore();
    expect(text()).toBe('measuring: 10 % of 1,000 tokens, about 2 min left\n');
    progress.stop();
  });

  it('goes on saying that it works where nothing new comes, and that the time left is not known', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    progress.show({ phase: 'stability', done: 12, total: undefined, unit: 'iterations' });
    vi.advanceTimersByTime(20_500);
    expect(text()).toBe('stability: 12 iterations\nstability: 12 iterations, still working after 20 s\n');
    progress.show(tokens(0));
    vi.advanceTimersByTime(2000);
    progress.show(tokens(500));
    vi.advanceTimersByTime(17_900);
    expect(text()).toMatch(
      /measuring: 50 % of 1,000 tokens, about 2 s left\nmeasuring: 50 % of 1,000 tokens, still working after 40 s\n$/,
    );
    progress.stop();
  });

  it('measures the speed of a phase from where that began', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    progress.show({ phase: 'opening', done: 5e6, total: 10e6, unit: 'bytes' });
    vi.advanceTimersByTime(10_000);
    expect(text()).toBe('opening: 50 % of 10.0 MB\n');
    vi.advanceTimersByTime(8000);
    // Resumed at 800: 100 tokens in two seconds.
    progress.show(tokens(800));
    vi.advanceTimersByTime(1900);
    progress.show(tokens(895));
    vi.advanceTimersByTime(100);
    expect(text()).toBe('opening: 50 % of 10.0 MB\nmeasuring: 89 % of 1,000 tokens, about 2 s left\n');
    progress.stop();
  });

  it('names the restart and the hard error of a fit', () => {
    const { stream, text } = fakeStream(false);
    const progress = createProgress(stream);
    const show = showFit(progress);
    const at = { phase: 'fit', restart: 1, restarts: 3, total: 150 } as const;
    show.onProgress({ ...at, done: 0 });
    vi.advanceTimersByTime(9_900);
    show.onRecord({ loss: { hard: 22.1934 } } as Parameters<typeof show.onRecord>[0], new Float64Array());
    show.onProgress({ ...at, done: 64 });
    vi.advanceTimersByTime(100);
    expect(text()).toBe('fitting 2/3: 42 % of 150 tokens, about 13 s left, hard error 22.19\n');
    progress.stop();
  });
});

it('a terminal gets a bar with the time left, which goes away', () => {
  const { stream, text } = fakeStream(true);
  const progress = createProgress(stream);
  for (let second = 0; second <= 5; second++) {
    progress.show(tokens(second * 100, 'hard error 22.19'));
    vi.advanceTimersByTime(1000);
  }
  expect(stripVTControlCharacters(text())).toMatch(
    /measuring +\S+ 50 % of 1,000 tokens, about 5 s left, hard error 22\.19/,
  );
  progress.stop();
});
