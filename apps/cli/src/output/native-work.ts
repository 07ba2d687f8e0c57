import { exitStatus } from './errors.ts';

let running = 0;
let received: NodeJS.Signals = 'SIGINT';

/**
 * Work of other threads in native code, which nothing in JavaScript can stop: `process.exit` waits until it is done, and ONNX Runtime then fails
 * with a core dump. A process that must not wait ends by the signal itself, which shells show as 130 or 143.
 */
export const nativeWork = {
  begin(): void {
    running += 1;
  },
  end(): void {
    running -= 1;
  },
  /** The signal by which the process ends, if it must. */
  endBy(signal: NodeJS.Signals): void {
    received = signal;
  },
};

/** Ends the process now, whatever its threads do. @param status of `process.exit` where no thread is in native code */
export function endProcess(status: number): void {
  if (running === 0) process.exit(status);
  // What listens for the end removes temporary files.
  process.emit('exit', status);
  process.removeAllListeners(received);
  process.kill(process.pid, received);
}

/** Ends a process whose work is over, if a thread would keep it from ending by itself. */
export function endIfHeld(status: number): void {
  if (running > 0 && status === exitStatus.interrupted) endProcess(status);
}
