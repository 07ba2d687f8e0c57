import type { FitProgress } from '@ddcl/core/fit';
import { Presets, SingleBar } from 'cli-progress';

/** A progress display on stderr; nothing at all where stderr is no terminal. */
export interface Progress {
  /** Shows `done` of `total` under a title; a new title starts a new bar. */
  show(title: string, done: number, total: number | undefined): void;
  /** Removes the display. */
  stop(): void;
}

/** @param stream where to draw; drawn only if it is a terminal */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show: () => {}, stop: () => {} };
  let bar: SingleBar | undefined;
  let shown = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
    shown = '';
  };
  return {
    show(title, done, total) {
      if (title !== shown) {
        stop();
        bar = new SingleBar(
          {
            format: `${title} {bar} {percentage}% {value}/{total}`,
            stream,
            clearOnComplete: true,
            hideCursor: true,
            fps: 10,
          },
          Presets.shades_classic,
        );
        bar.start(total ?? 0, done);
        shown = title;
      }
      // Where the end is not known, the bar is full as far as it has come.
      if (total === undefined) bar?.setTotal(done);
      bar?.update(done);
    },
    stop,
  };
}

const phases: Record<FitProgress['phase'], string> = {
  statistics: 'reading',
  fit: 'fitting',
  measure: 'measuring',
  stability: 'stability',
};

/** A fit's progress as a bar. */
export function showFit(progress: Progress): (state: FitProgress) => void {
  return ({ phase, restart, restarts, done, total }) => {
    const which = restarts > 1 && phase === 'fit' ? ` ${restart + 1}/${restarts}` : '';
    progress.show(`${phases[phase]}${which}`.padEnd(12), done, total);
  };
}
