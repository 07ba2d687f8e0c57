import type { FloatDType } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { requireDType } from '../backends/backend-options.ts';
import { createBackend } from '../backends/backends.ts';
import { interruptSignal } from '../output/interrupt.ts';
import { owning, type Own } from '../output/own.ts';
import { createProgress, type Progress } from '../output/progress.ts';

/** What a command works with until it ends. */
export interface CommandScope {
  /** Fires at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Closes what is opened when the command ends. */
  readonly own: Own;
  /** Since the command began. */
  seconds(): number;
  /**
   * Starts a backend, which ends with the command.
   *
   * @throws DdclError as `createBackend`; `unsupported` if it lacks the dtype
   */
  backend(name: string, dtype?: FloatDType): Promise<Backend>;
  /** Lines on stderr for what a user has to know about the result. */
  warn(warnings: readonly string[]): void;
  /** The result on stdout: as one JSON object if `--json` asks for it. */
  print(object: object, text: string): void;
}

/** Runs a command. However it ends, its display goes away and all that it owns is closed. */
export function withCommand(
  { json = false }: { readonly json?: boolean | undefined },
  run: (scope: CommandScope) => Promise<void>,
): Promise<void> {
  const began = performance.now();
  return owning((own) => {
    const { signal } = own(interruptSignal(), (interrupt) => interrupt.dispose());
    const progress = createProgress();
    const scope: CommandScope = {
      signal,
      progress,
      own,
      seconds: () => (performance.now() - began) / 1000,
      async backend(name, dtype) {
        const backend = own(await createBackend(name), (opened) => opened.dispose());
        if (dtype !== undefined) requireDType(dtype, backend);
        return backend;
      },
      warn(warnings) {
        progress.stop();
        for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      },
      print(object, text) {
        progress.stop();
        process.stdout.write(`${json ? JSON.stringify(object) : text}\n`);
      },
    };
    return run(scope).finally(() => progress.stop());
  });
}
