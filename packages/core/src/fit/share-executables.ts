import { withCompile } from '../backend/abortable-backend.ts';
import type { Backend, Executable } from '../backend/contract.ts';
import { programKey } from '../program/key.ts';

/** A backend that compiles each program once; what it compiled lives until `dispose`, whoever disposes of it before. */
export interface SharedExecutables {
  readonly backend: Backend;
  dispose(): void;
}

/** For work that needs the same programs again and again, such as a measurement after each restart. */
export function shareExecutables(backend: Backend): SharedExecutables {
  const compiled = new Map<string, Executable>();
  return {
    backend: withCompile(backend, async (program) => {
      const key = programKey(program);
      const executable = compiled.get(key) ?? (await backend.compile(program));
      compiled.set(key, executable);
      return { program, run: (inputs, options) => executable.run(inputs, options), dispose: () => {} };
    }),
    dispose() {
      for (const executable of compiled.values()) executable.dispose();
      compiled.clear();
    },
  };
}
