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
    backend: {
      contract: 1,
      name: backend.name,
      capabilities: backend.capabilities,
      upload: (type, data) => backend.upload(type, data),
      download: (buffer) => backend.download(buffer),
      free: (buffer) => backend.free(buffer),
      async compile(program) {
        const key = programKey(program);
        const executable = compiled.get(key) ?? (await backend.compile(program));
        compiled.set(key, executable);
        return { program, run: (inputs, options) => executable.run(inputs, options), dispose: () => {} };
      },
      memory: () => backend.memory(),
      lost: backend.lost,
      dispose: () => backend.dispose(),
    },
    dispose() {
      for (const executable of compiled.values()) executable.dispose();
      compiled.clear();
    },
  };
}
