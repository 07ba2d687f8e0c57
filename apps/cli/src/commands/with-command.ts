import type { FloatDType } from '@ddcl/core';
import { chooseBackend, describeChoice, type ChosenBackend } from '../backends/choose-backend.ts';
import { interruptSignal } from '../output/interrupt.ts';
import { owning, type Own } from '../output/own.ts';
import { createProgress, type Progress } from '../output/progress.ts';
import { print, say } from '../output/print.ts';

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
   * @throws DdclError as `chooseBackend`
   */
  backend(name: string, dtype?: FloatDType): Promise<ChosenBackend>;
  /** Says on stderr which backend `auto` took; `products` as {@link describeChoice} takes them. */
  announce(chosen: ChosenBackend, products: number): void;
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
        const chosen = await chooseBackend(name, dtype);
        own(chosen.backend, (opened) => opened.dispose());
        return chosen;
      },
      announce(chosen, products) {
        const line = describeChoice(chosen, products);
        if (line === undefined) return;
        progress.stop();
        say(`${line}\n`);
      },
      warn(warnings) {
        progress.stop();
        for (const warning of warnings) say(`warning: ${warning}\n`);
      },
      print(object, text) {
        progress.stop();
        print(`${json ? JSON.stringify(object) : text}\n`);
      },
    };
    return run(scope).finally(() => progress.stop());
  });
}
