import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend } from './contract.ts';

/** The same backend, with another way to compile. */
export function withCompile(backend: Backend, compile: Backend['compile']): Backend {
  return {
    contract: 1,
    name: backend.name,
    capabilities: backend.capabilities,
    upload: (type, data) => backend.upload(type, data),
    download: (buffer) => backend.download(buffer),
    free: (buffer) => backend.free(buffer),
    compile,
    memory: () => backend.memory(),
    lost: backend.lost,
    dispose: () => backend.dispose(),
  };
}

/**
 * A backend for work that may be stopped: once the signal has fired, nothing is compiled, no run begins, and those that compute on the calling
 * thread end early (see the `signal` of a run).
 */
export function abortableBackend(backend: Backend, signal: AbortSignalLike | undefined): Backend {
  if (signal === undefined) return backend;
  return withCompile(backend, async (program) => {
    throwIfAborted(signal);
    const executable = await backend.compile(program);
    return {
      program,
      run: (inputs, options) => executable.run(inputs, { ...options, signal }),
      dispose: () => executable.dispose(),
    };
  });
}
