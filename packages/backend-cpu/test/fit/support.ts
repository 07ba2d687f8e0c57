import { createRandom } from '@ddcl/core';
import { programKey, type Backend } from '@ddcl/core/backend';
import { tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import { cpuBackend } from '../../src/index.ts';

/** Tokens around centres drawn from N(0, spread^2 I), unit Gaussian each, in turn. */
export function blobs(tokens: number, dimension: number, centres: number, spread: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const places = Array.from({ length: centres * dimension }, () => spread * random.normal());
  return Float64Array.from(
    { length: tokens * dimension },
    (_, index) =>
      places[(Math.floor(index / dimension) % centres) * dimension + (index % dimension)]! + random.normal(),
  );
}

export function sourceOf(data: Float64Array | Float32Array, dimension: number, weights?: Float64Array): TokenSource {
  return tokensFromReader(tokensFromArray(data, dimension, weights));
}

/** A backend whose largest buffer is this many bytes. */
export function withSmallBuffers(maxBufferBytes: number, backend: Backend = cpuBackend()): Backend {
  return { ...backend, capabilities: { ...backend.capabilities, maxBufferBytes } };
}

/** A backend that remembers how often each program was compiled, and the most bytes it held at once. */
export function watchedBackend(backend: Backend = cpuBackend()) {
  const compiled = new Map<string, { name: string; count: number }>();
  const seen = { peak: 0, disposed: 0, runs: 0 };
  const watched: Backend = {
    ...backend,
    upload(type, data) {
      const buffer = backend.upload(type, data);
      seen.peak = Math.max(seen.peak, backend.memory().bytes);
      return buffer;
    },
    async compile(program) {
      const key = programKey(program);
      compiled.set(key, { name: program.name, count: (compiled.get(key)?.count ?? 0) + 1 });
      const executable = await backend.compile(program);
      return {
        program,
        run(inputs, options) {
          seen.runs++;
          return executable.run(inputs, options);
        },
        dispose() {
          seen.disposed++;
          executable.dispose();
        },
      };
    },
  };
  return { backend: watched, compiled, seen };
}
