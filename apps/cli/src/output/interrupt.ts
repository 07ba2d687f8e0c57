import { exitStatus } from './errors.ts';
import { endProcess, nativeWork } from './native-work.ts';
import { say } from './print.ts';

/** How long work may take to end in order; a command ends within two seconds. */
const patienceMilliseconds = 1500;

/**
 * An AbortSignal that fires at the first Ctrl-C (or SIGTERM), so that work can end in order; a second one
 * ends the process at once, and so does work that does not listen. What is killed so leaves no half file, since files get their names when they are whole.
 */
export function interruptSignal(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    nativeWork.endBy(name);
    if (controller.signal.aborted) endProcess(exitStatus.interrupted);
    timer = setTimeout(() => {
      say('ddcl: stopped.\n');
      endProcess(exitStatus.interrupted);
    }, patienceMilliseconds).unref();
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose() {
      clearTimeout(timer);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
