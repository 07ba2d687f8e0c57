/** What browsers, workers and Node share; the types of neither are needed for it. */
declare const setTimeout: (callback: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;

/** Resolves after some time, during which events and timers run. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whatever is under way is over by then; more is a hang. A driver takes its time. */
export const patience = 10_000;

/** What a promise gives, or undefined if that takes longer than {@link patience}. */
export async function within<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  let timer: unknown;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
