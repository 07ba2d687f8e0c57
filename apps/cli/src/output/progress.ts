import { Presets, SingleBar } from 'cli-progress';
import { describeAmount, describeWork, workClock, type Work } from './work.ts';
import { printable, printableName } from './print.ts';

/** Tells a user on stderr how far long work is. */
export interface Progress {
  /** Where the work stands. To be called often: it costs little, and a call that holds the thread for long lets no timer in between. */
  show(work: Work): void;
  /** The work is over, or something else is to be written. */
  stop(): void;
}

/** Between two lines where stderr is no terminal, and before the first. */
const lineMilliseconds = 10_000;

/**
 * A bar on a terminal; elsewhere, as in a log, a line at least every ten seconds, and none of work that takes less.
 *
 * @param stream where to write
 */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? barProgress(stream) : lineProgress(stream);
}

function barProgress(stream: NodeJS.WriteStream): Progress {
  const clock = workClock();
  let bar: SingleBar | undefined;
  let shown = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
    shown = '';
  };
  return {
    show(work) {
      const { phase, done, total } = work;
      const text = printableName(describeAmount(work, clock.left(work)));
      if (phase !== shown) {
        stop();
        const format = `${phase.padEnd(13)} {bar} {text}`;
        // So short that the text fits on a terminal of 80 columns.
        bar = new SingleBar(
          { format, stream, barsize: 14, clearOnComplete: true, hideCursor: true, fps: 10 },
          Presets.shades_classic,
        );
        bar.start(total ?? 0, done, { text });
        shown = phase;
      }
      // Where the end is not known, the bar is full as far as it has come.
      if (total === undefined) bar?.setTotal(done);
      bar?.update(done, { text });
    },
    stop,
  };
}

function lineProgress(stream: NodeJS.WriteStream): Progress {
  const began = performance.now();
  const clock = workClock();
  let last = began;
  let written: Work | undefined;
  let current: Work | undefined;
  let left: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    const now = performance.now();
    if (current === undefined || now - last < lineMilliseconds) return;
    // One long call may give nothing new to tell, and make what was said of the time left wrong.
    const text =
      current === written
        ? `${describeWork(current, undefined)}, still working after ${Math.round((now - began) / 1000)} s`
        : describeWork(current, left);
    stream.write(printable(`${text}\n`));
    [last, written] = [now, current];
  };
  return {
    show(work) {
      current = work;
      left = clock.left(work);
      timer ??= setInterval(write, lineMilliseconds / 10).unref();
      write();
    },
    stop() {
      clearInterval(timer);
      timer = current = undefined;
    },
  };
}
