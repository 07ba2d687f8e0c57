/** Milliseconds that a frame is shown, at least. */
const frameTime = 33;
/** Frames that may wait; of more every second one is left out, so that the picture does not fall behind the fit. */
const mostWaiting = 90;

/** Shows frames one after another at a pace that people can follow, however fast they come. */
export interface Player<Frame> {
  push(frame: Frame): void;
  /** Resolves when all frames have been shown. */
  finish(): Promise<void>;
  /** Forgets those that wait. */
  clear(): void;
}

export function createPlayer<Frame>(show: (frame: Frame) => void): Player<Frame> {
  let waiting: Frame[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onEmpty: (() => void) | undefined;
  const next = (): void => {
    timer = undefined;
    const frame = waiting.shift();
    if (frame !== undefined) {
      show(frame);
      // Not an animation frame: a tab in the background has none, and its fit should end all the same.
      timer = setTimeout(next, frameTime);
    } else {
      onEmpty?.();
      onEmpty = undefined;
    }
  };
  return {
    push(frame) {
      waiting.push(frame);
      if (waiting.length > mostWaiting) waiting = waiting.filter((_, index) => index % 2 === 1);
      timer ??= setTimeout(next, 0);
    },
    finish: () =>
      new Promise((resolve) => {
        if (timer === undefined) resolve();
        else onEmpty = resolve;
      }),
    clear() {
      waiting = [];
    },
  };
}
