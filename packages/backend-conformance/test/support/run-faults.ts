import type { DeviceBuffer } from '@ddcl/core/backend';
import type { Fault } from './fault.ts';
import { withExecutables, withMembers, withOptions } from './faulty.ts';

/** Lets other work run first. */
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Runs that compute rightly, and hand out, keep or mix up buffers. */
export const runFaults: Readonly<Record<string, Fault>> = {
  'a run looks at its inputs later': {
    make: withExecutables(({ run }) => ({
      run: async (inputs, options) => {
        await later();
        return run(inputs, options);
      },
    })),
    caughtBy: 'concurrency',
    says: /freed or donated before/,
  },
  'a download looks at its buffer later': {
    make: withMembers((backend) => ({
      download: async (buffer) => {
        await later();
        return backend.download(buffer);
      },
    })),
    caughtBy: 'concurrency',
    says: /download got a f32\[3\] buffer that was freed/,
  },
  'the end of an executable is the end of its runs': {
    make: withExecutables(({ run, dispose }) => {
      let disposed = false;
      return {
        async run(inputs, options) {
          const results = await run(inputs, options);
          await later();
          if (disposed) throw new Error('it was stopped');
          return results;
        },
        dispose() {
          disposed = true;
          dispose();
        },
      };
    }),
    caughtBy: 'concurrency',
    says: /it was stopped/,
  },
  'what is under way when a backend ends fails somehow': {
    make: withExecutables(({ run }, backend) => ({
      async run(inputs, options) {
        const results = await run(inputs, options);
        await later();
        if (inputs.length === 1 && backend.memory().buffers === 0) throw new Error('something is gone');
        return results;
      },
    })),
    caughtBy: 'lifecycle',
    says: /an error with code 'disposed' was expected, but got Error: something is gone/,
  },
  'a returned parameter is the input buffer': {
    make: withExecutables(({ program, run }, backend) => ({
      async run(inputs, options) {
        const results = await run(inputs, options);
        return program.results.map((id, index) => {
          if (id >= inputs.length) return results[index]!;
          backend.free(results[index]!);
          return inputs[id]!;
        });
      },
    })),
    caughtBy: 'results',
    says: /a buffer was handed out twice/,
  },
  'a result that is returned twice is one buffer': {
    make: withExecutables(({ program, run }, backend) => ({
      async run(inputs, options) {
        const results = await run(inputs, options);
        return program.results.map((id, index) => {
          const first = program.results.indexOf(id);
          if (first !== index) backend.free(results[index]!);
          return results[first]!;
        });
      },
    })),
    caughtBy: 'results',
    says: /a buffer was handed out twice/,
  },
  'a returned parameter ends with its input': {
    make: withMembers((backend) => {
      const sameTensor = new Map<DeviceBuffer, DeviceBuffer[]>();
      return {
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            async run(inputs, options) {
              const results = await executable.run(inputs, options);
              program.results.forEach((id, index) => {
                if (id < inputs.length)
                  sameTensor.set(inputs[id]!, [...(sameTensor.get(inputs[id]!) ?? []), results[index]!]);
              });
              return results;
            },
          };
        },
        free(buffer) {
          backend.free(buffer);
          for (const other of sameTensor.get(buffer) ?? []) backend.free(other);
        },
      };
    }),
    caughtBy: 'results',
    says: /freed or donated before/,
  },
  'a donated buffer is not consumed': {
    make: withExecutables(({ run }) => ({ run: (inputs) => run(inputs) })),
    caughtBy: 'donation',
    says: /after the run: memory\(\) says 3 buffers/,
  },
  'a run that fails does not consume': {
    make: withExecutables(({ run }, backend) => ({
      async run(inputs, options) {
        const results = await run(inputs);
        for (const position of options?.donate ?? []) backend.free(inputs[position]!);
        return results;
      },
    })),
    caughtBy: 'donation',
    says: /download of a donated buffer: .* nothing was thrown/,
  },
  'a result is written into a donated buffer that is returned as well': {
    make: withExecutables(({ program, run }, backend) => ({
      async run(inputs, options) {
        const results = await run(inputs, options);
        if ((options?.donate?.length ?? 0) === 0 || program.results.length < 2) return results;
        // The second result went into the donated buffer, which is the first result.
        const type = results[0]!.type;
        const overwritten = backend.upload(type, await backend.download(results[1]!));
        backend.free(results[0]!);
        return [overwritten, ...results.slice(1)];
      },
    })),
    caughtBy: 'donation',
    says: /f32\[3\]\): result 0: f32\[3\] \[0\]: expected 1, got 2/,
  },
  'each run leaves a buffer': {
    make: withExecutables(({ run }, backend) => ({
      async run(inputs, options) {
        backend.upload({ dtype: 'float32', shape: [1] }, new Float32Array(1));
        return run(inputs, options);
      },
    })),
    caughtBy: 'memory',
    says: /after 1000 runs: memory\(\) says/,
  },
  'runs at once share their scratch memory': {
    make: withMembers((backend) => {
      let scratch: readonly DeviceBuffer[] = [];
      return {
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            async run(inputs, options) {
              scratch = await executable.run(inputs, options);
              const own = scratch;
              await later();
              if (
                own !== scratch &&
                own.every(({ type }, index) => type.shape.join() === scratch[index]?.type.shape.join())
              ) {
                const numbers = await Promise.all(scratch.map((buffer) => backend.download(buffer)));
                for (const buffer of own) backend.free(buffer);
                return numbers.map((data, index) => backend.upload(own[index]!.type, data));
              }
              return own;
            },
          };
        },
      };
    }),
    caughtBy: 'concurrency',
    says: /run \d+ of|run \d+: f32/,
  },
  'it says that it is deterministic, and is not': {
    make: (() => {
      let runs = 0;
      const uploaded = new WeakSet<object>();
      return withOptions((options) => ({
        upload(type, data) {
          const native = options.upload(type, data);
          uploaded.add(native);
          return native;
        },
        async download(native, type) {
          const data = await options.download(native, type);
          if (!uploaded.has(native) && data.length > 1 && type.dtype === 'float32')
            data[0]! *= 1 + (runs++ % 2) * 2 ** -22;
          return data;
        },
      }));
    })(),
    caughtBy: 'determinism',
    says: /although the backend says it is deterministic/,
  },
  'a symbolic program keeps the first length': {
    make: withExecutables(({ program, run }, backend) => {
      let first: number | undefined;
      return {
        async run(inputs, options) {
          const isSymbolic = program.parameters.some(({ shape }) => shape.includes('n'));
          first ??= inputs[0]!.type.shape[0];
          const results = await run(inputs, options);
          if (!isSymbolic || first === inputs[0]!.type.shape[0]) return results;
          return Promise.all(
            results.map(async (result) => {
              const data = await backend.download(result);
              backend.free(result);
              return backend.upload(result.type, data.fill(0, first));
            }),
          );
        },
      };
    }),
    caughtBy: 'symbolic',
    says: /n = 65: one symbol\(f32\[65,4\]/,
  },
};
