import { DdclError, type Backend, type DeviceBuffer, type TypedArray } from '@ddcl/core/backend';
import { strictBackend } from '../../src/strict/strict-backend.ts';
import type { Fault } from './fault.ts';
import { withExecutables, withMembers } from './faulty.ts';
import { losable, loseDevice } from './losable.ts';
import { wrapping } from './wrapping.ts';

/** Backends that compute rightly, and break a promise about their life, their buffers or their errors. */
export const contractFaults: Readonly<Record<string, Fault>> = {
  'dispose twice throws': {
    make: withMembers((backend) => {
      let disposed = false;
      return {
        dispose() {
          if (disposed) throw new Error('disposed twice');
          disposed = true;
          backend.dispose();
        },
      };
    }),
    caughtBy: 'lifecycle',
    says: /disposed twice/,
  },
  'a run after the backend was disposed works': {
    make: withMembers((backend) => ({
      dispose: () => {},
      memory: () => ({ ...backend.memory(), buffers: 0, bytes: 0 }),
    })),
    caughtBy: 'lifecycle',
    says: /upload after dispose: an error with code 'disposed' was expected, but nothing was thrown/,
  },
  'a run after the executable was disposed works': {
    make: withExecutables(() => ({ dispose: () => {} })),
    caughtBy: 'lifecycle',
    says: /run of a disposed executable: .* nothing was thrown/,
  },
  'executables of one program are one': {
    make: withMembers((backend) => {
      const known = new Map<unknown, ReturnType<Backend['compile']>>();
      return {
        compile(program) {
          const executable = known.get(program) ?? backend.compile(program);
          known.set(program, executable);
          return executable;
        },
      };
    }),
    caughtBy: 'lifecycle',
    says: /run after its dispose/,
  },
  'dispose resolves lost': {
    make: withMembers((backend) => {
      let end = (): void => {};
      const lost = new Promise<{ reason: string }>((resolve) => (end = () => resolve({ reason: 'disposed' })));
      return {
        lost,
        dispose() {
          backend.dispose();
          end();
        },
      };
    }),
    caughtBy: 'lifecycle',
    says: /lost resolved although/,
  },
  'free of a freed buffer throws': {
    make: withMembers((backend) => {
      const freed = new WeakSet<DeviceBuffer>();
      return {
        free(buffer) {
          if (freed.has(buffer)) throw new DdclError('disposed', 'freed twice');
          backend.free(buffer);
          freed.add(buffer);
        },
      };
    }),
    caughtBy: 'buffers',
    says: /freed twice/,
  },
  'download gives a live view': {
    make: withMembers((backend) => {
      const views = new WeakMap<DeviceBuffer, Promise<TypedArray>>();
      return {
        async download(buffer) {
          const fresh = backend.download(buffer);
          await fresh;
          const view = views.get(buffer) ?? fresh;
          views.set(buffer, view);
          return view;
        },
      };
    }),
    caughtBy: 'buffers',
    says: /a download is nobody else's.*float32|f32\[\], downloaded twice at once/,
  },
  'upload keeps the array': {
    make: withMembers((backend) => {
      const kept = new Map<DeviceBuffer, TypedArray>();
      return {
        upload(type, data) {
          const buffer = backend.upload(type, data);
          kept.set(buffer, data);
          return buffer;
        },
        async download(buffer) {
          const data = await backend.download(buffer);
          return kept.get(buffer)?.slice() ?? data;
        },
      };
    }),
    caughtBy: 'buffers',
    says: /f32\[3\], whose array was changed after upload: element 0: expected 0, got/,
  },
  'memory never decreases': {
    make: withMembers((backend) => {
      let most = { buffers: 0, bytes: 0 };
      return {
        memory() {
          const { buffers, bytes } = backend.memory();
          most = { buffers: Math.max(most.buffers, buffers), bytes: Math.max(most.bytes, bytes) };
          return most;
        },
      };
    }),
    caughtBy: 'buffers',
    says: /after free: memory\(\) says 1 buffers/,
  },
  'memory counts four bytes for every element': {
    make: withMembers((backend) => {
      const live = new Map<DeviceBuffer, number>();
      return {
        upload(type, data) {
          const buffer = backend.upload(type, data);
          live.set(buffer, 4 * data.length);
          return buffer;
        },
        free(buffer) {
          live.delete(buffer);
          backend.free(buffer);
        },
        memory: () => ({ buffers: live.size, bytes: [...live.values()].reduce((total, bytes) => total + bytes, 0) }),
      };
    }),
    caughtBy: 'buffers',
    says: /after upload: memory\(\) says 1 buffers of 4 bytes instead of 1 buffers of 8 bytes/,
  },
  "another backend's buffer is taken": {
    make: (() => {
      const homes = new WeakMap<DeviceBuffer, Backend>();
      return () => {
        const backend = strictBackend();
        return {
          ...backend,
          upload(type, data) {
            const buffer = backend.upload(type, data);
            homes.set(buffer, backend);
            return buffer;
          },
          download: async (buffer) => (homes.get(buffer) ?? backend).download(buffer),
        } satisfies Backend;
      };
    })(),
    caughtBy: 'buffers',
    says: /download of a foreign buffer: .* nothing was thrown/,
  },
  'a shape that does not fit has the code of an argument': {
    make: withExecutables(({ run }) => ({
      run: (inputs, options) =>
        run(inputs, options).catch((error: DdclError) => {
          throw error.code === 'shape' ? new DdclError('argument', error.message) : error;
        }),
    })),
    caughtBy: 'errors',
    says: /run with f32\[2\] for f32\[3\]: an error with code 'shape' was expected, but got 'argument'/,
  },
  'errors are plain': {
    make: withMembers((backend) => ({
      upload(type, data) {
        try {
          return backend.upload(type, data);
        } catch (error) {
          throw new Error((error as Error).message, { cause: error });
        }
      },
    })),
    caughtBy: 'errors',
    says: /a DdclError with code 'dtype' was expected, but got Error/,
  },
  'float64 is taken without being offered': {
    make: withMembers((backend) => ({ capabilities: { ...backend.capabilities, dtypes: ['float32', 'int32'] } })),
    caughtBy: 'errors',
    says: /upload of float64: an error with code 'unsupported' was expected/,
  },
  'limits are not looked at': {
    make: withMembers((backend) => ({ capabilities: { ...backend.capabilities, maxBufferBytes: 2 ** 20 } })),
    caughtBy: 'limits',
    says: /an error with code 'limit' was expected/,
  },
  'the end of a borrower ends the owner': {
    make: () => wrapping(strictBackend(), { destroys: true }),
    caughtBy: 'wrap',
    says: /freed or donated before/,
  },
  'a run on a lost device resolves': {
    make: losable('resolves'),
    caughtBy: 'loss',
    options: { loseDevice },
    says: /a run on a lost device resolved/,
  },
  'nobody is told of a lost device': {
    make: () => ({ ...losable('rejects')(), lost: Promise.resolve({ reason: '' }) }),
    caughtBy: 'loss',
    options: { loseDevice },
    says: /lost resolves without a reason/,
  },
};
