/** What browsers, workers and Node share; the types of neither are needed for it. */
declare const setTimeout: (callback: () => void, milliseconds: number) => unknown;

/** Resolves after some time, during which events and timers run. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
