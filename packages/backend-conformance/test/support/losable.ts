import { DdclError, type Backend } from '@ddcl/core/backend';
import { strictBackend } from '../../src/strict/strict-backend.ts';

const gone = (): DdclError => new DdclError('lost', 'The device went away: the driver was reset. Make a new backend.');

/** A backend whose device the test takes away; `answers` says what happens to runs then. */
export function losable(answers: 'rejects' | 'resolves' | 'hangs'): () => Backend & { lose(): void } {
  return () => {
    let lose = (): void => {};
    let isLost = false;
    const lost = new Promise<{ reason: string }>((resolve) => {
      lose = () => {
        isLost = true;
        resolve({ reason: 'the driver was reset' });
      };
    });
    const backend = strictBackend();
    return {
      ...backend,
      lost,
      lose: () => lose(),
      upload(type, data) {
        if (isLost) throw gone();
        return backend.upload(type, data);
      },
      download: async (buffer) => (isLost ? Promise.reject(gone()) : backend.download(buffer)),
      async compile(program) {
        if (isLost) throw gone();
        const executable = await backend.compile(program);
        return {
          ...executable,
          run: (inputs, options) => {
            if (!isLost || answers === 'resolves') return executable.run(inputs, options);
            if (answers === 'hangs') return new Promise(() => {});
            return Promise.reject(gone());
          },
        };
      },
    };
  };
}

export const loseDevice = (backend: Backend): void => (backend as ReturnType<ReturnType<typeof losable>>).lose();

/** A backend that loses its device as it should. */
export const losableBackend = losable('rejects');
