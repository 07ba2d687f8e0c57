import { add, concat, gather, matmul, mul, neg, segmentSum, sum, tanh, trace, transpose } from '@ddcl/core';
import {
  DdclError,
  isDdclError,
  tensorType,
  type Backend,
  type DeviceBuffer,
  type Executable,
} from '@ddcl/core/backend';
import { wrapping } from '../../support/wrapping.ts';
import { strictBackend } from '../../../src/strict/strict-backend.ts';
import { brokenSource, executables, leak, members } from '../make-fault.ts';
import type { PlantedFault, Probe } from '../planted-fault.ts';
import { codeOf, f32, i32, of, runOnce, seen, some } from '../probes.ts';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const inNumbers = (fault: PlantedFault): PlantedFault => ({ ...fault, inNumbers: true });
const symbolic = tensorType('float32', ['n']);

const donation = 'donated buffers';

/** What is alive after a donated run. */
const afterDonating =
  (run: (backend: Backend) => Promise<unknown>): Probe =>
  async (backend) => {
    await run(backend).catch(() => undefined);
    return backend.memory();
  };

/** Some donations are not heard of. */
const deaf = (
  name: string,
  hears: (input: DeviceBuffer, executable: Executable) => boolean,
  probe: Probe,
): PlantedFault =>
  executables(
    donation,
    name,
    (executable) => ({
      run: (inputs, options = {}) => {
        const donate = (options.donate ?? []).filter(
          (position) => inputs[position] === undefined || hears(inputs[position], executable),
        );
        return executable.run(inputs, { ...options, donate });
      },
    }),
    'donation',
    probe,
  );

const tooLong = 23_200;
const tooLarge = (inputs: readonly DeviceBuffer[]): boolean =>
  inputs.every(({ type }) => type.shape.includes(1) && Math.max(...type.shape) > 20_000);
const outer = trace(
  [tensorType('float32', ['n', 1]), tensorType('float32', [1, 'n'])],
  (x, y) => [sum(matmul(x, y))],
  'outer',
);

const donations: PlantedFault[] = [
  deaf(
    'stay with programs that have symbols',
    (_, { program }) => program.parameters.every(({ shape }) => shape.every((each) => typeof each === 'number')),
    afterDonating((backend) => runOnce(backend, (x) => [neg(x!)], [some(f32(3))], [symbolic], [0])),
  ),
  deaf(
    'stay if they are empty',
    ({ type }) => !type.shape.includes(0),
    afterDonating((backend) => runOnce(backend, (x) => [neg(x!)], [of(f32(0))], [symbolic], [0])),
  ),
  deaf(
    'stay if they are int32',
    ({ type }) => type.dtype !== 'int32',
    afterDonating((backend) => runOnce(backend, (x) => [neg(x!)], [of(i32(2), 1, 2)], undefined, [0])),
  ),
  deaf(
    'stay if no instruction reads them',
    (input, { program }) => program.instructions.length > 0 || input.type.shape.length === 0,
    afterDonating((backend) => runOnce(backend, (x) => [x!], [some(f32(3))], undefined, [0])),
  ),
  executables(
    donation,
    'stay when the run is refused for its size',
    ({ run }) => ({
      // Whatever is too large is noticed before the donation is.
      run: async (inputs, options) => run(inputs, tooLarge(inputs) ? {} : options),
    }),
    'donation',
    async (backend) => {
      const executable = await backend.compile(outer);
      const [x, y] = [
        backend.upload(f32(tooLong, 1), new Float32Array(tooLong)),
        backend.upload(f32(1, tooLong), new Float32Array(tooLong)),
      ];
      const code = await codeOf(() => executable.run([x, y], { donate: [0, 1] }));
      return [code, backend.memory()];
    },
  ),
  inNumbers(
    executables(
      donation,
      'are written over before they are read again',
      ({ program, run }, backend) => ({
        async run(inputs, options) {
          const results = await run(inputs, options);
          const first = program.instructions[0];
          if ((options?.donate?.length ?? 0) === 0 || first === undefined || results.length < 2) return results;
          const data = await backend.download(results[0]!);
          backend.free(results[1]!);
          return [results[0]!, backend.upload(results[0]!.type, data), ...results.slice(2)];
        },
      }),
      'donation',
      (backend) => runOnce(backend, (x) => [neg(x!), mul(x!, x!)], [some(f32(3))], undefined, [0]),
    ),
  ),
];

const leaks = 'native tensors stay behind';
const walk = 'core/src/backend/walk.ts';
const dead = 'if (native !== undefined && counts.drop(native)) release(native);';
const alive = (probe: Probe): ((backend: ReturnType<typeof strictBackend>) => Promise<unknown>) => {
  return async (backend) => {
    await probe(backend).catch(() => undefined);
    return backend.log.alive.size;
  };
};

const kept: PlantedFault[] = [
  leak(
    leaks,
    'when a kernel fails',
    [walk, 'for (const native of counts.alive) if (!owned.has(native)) release(native);', 'void owned;'],
    'memory',
    alive((backend) => runOnce(backend, (x, rows) => [gather(mul(neg(x!), 2), rows!)], [some(f32(3)), of(i32(1), 7)])),
  ),
  leak(
    leaks,
    'of transposed intermediates',
    [
      walk,
      dead,
      "if (native !== undefined && counts.drop(native) && step.instruction.op !== 'transpose') release(native);",
    ],
    'primitive',
    alive((backend) => runOnce(backend, (x) => [transpose(neg(x!))], [some(f32(2, 3))])),
  ),
  leak(
    leaks,
    'of intermediates of rank 3',
    [walk, dead, 'if (native !== undefined && counts.drop(native) && types[id]!.shape.length !== 3) release(native);'],
    'gradient',
    alive((backend) => runOnce(backend, (x) => [sum(tanh(neg(x!)))], [some(f32(2, 3, 2))])),
  ),
  leak(
    leaks,
    'of intermediates that are read twice in one instruction',
    [
      walk,
      dead,
      'if (native !== undefined && counts.drop(native) && new Set(step.instruction.inputs).size === step.instruction.inputs.length) release(native);',
    ],
    'memory',
    alive((backend) =>
      runOnce(
        backend,
        (x) => {
          const y = neg(x!);
          return [concat([y, y], 0)];
        },
        [some(f32(3))],
      ),
    ),
  ),
  leak(
    leaks,
    'of returned parameters',
    [
      walk,
      'const copy = options.copy(native, types[id]!);',
      'options.copy(native, types[id]!);\n      const copy = options.copy(native, types[id]!);',
    ],
    'results',
    alive((backend) => runOnce(backend, (x) => [x!], [some(f32(3))])),
  ),
  leak(
    leaks,
    'when the backend ends',
    [
      'core/src/backend/buffers.ts',
      'for (const buffer of Array.from(this.#held.keys())) this.free(buffer);',
      'this.#held.clear();\n    this.#bytes = 0;',
    ],
    'lifecycle',
    async (backend) => {
      backend.upload(f32(1), new Float32Array(1));
      backend.dispose();
      return backend.log.alive.size;
    },
  ),
  leak(
    leaks,
    'of uploads that are refused',
    [
      'core/src/backend/backend-from-compiler.ts',
      'checkUpload(name, capabilities, checked, data);',
      'if (data.length > 0) options.upload(checked, data);\n      checkUpload(name, capabilities, checked, data);',
    ],
    ['errors', 'buffers'],
    async (backend) => {
      await codeOf(() => backend.upload(f32(2), new Float32Array(3)));
      return backend.log.alive.size;
    },
  ),
];

const overlap = 'runs and reads at once are mixed up';

const mixedUp: PlantedFault[] = [
  inNumbers(
    members(
      overlap,
      'downloads at once share a staging buffer',
      (backend) => {
        let staging: Awaited<ReturnType<Backend['download']>> | undefined;
        return {
          async download(buffer) {
            const own = await backend.download(buffer);
            staging = own;
            await later();
            return staging.length === own.length && staging.constructor === own.constructor ? staging.slice() : own;
          },
        };
      },
      ['results', 'concurrency'],
      async (backend) => {
        const [x, y] = [backend.upload(f32(1), Float32Array.of(1)), backend.upload(f32(1), Float32Array.of(2))];
        return (await Promise.all([backend.download(x), backend.download(y)])).map(seen);
      },
    ),
  ),
  inNumbers(
    members(
      overlap,
      'compilations at once give the last program',
      (backend) => {
        let current: Parameters<Backend['compile']>[0] | undefined;
        return {
          async compile(program) {
            current = program;
            await later();
            return backend.compile(current);
          },
        };
      },
      'concurrency',
      async (backend) => {
        const both = await Promise.all([
          backend.compile(trace([f32(2)], (x) => [neg(x)], 'a')),
          backend.compile(trace([f32(2)], (x) => [add(x, x)], 'b')),
        ]);
        const x = backend.upload(f32(2), Float32Array.of(1, 2));
        return Promise.all(both.map(async (each) => seen(await backend.download((await each.run([x]))[0]!))));
      },
    ),
  ),
  inNumbers(
    executables(
      overlap,
      'the second of two runs at once gets the results of the first',
      ({ run }, backend) => {
        let underWay: { results: Promise<readonly DeviceBuffer[]>; length: number | undefined } | undefined;
        return {
          async run(inputs, options) {
            const own = run(inputs, options);
            const other = underWay;
            const length = inputs[0]?.type.shape[0];
            const mine = { results: own, length };
            underWay ??= mine;
            await later();
            if (underWay === mine) underWay = undefined;
            if (other === undefined || other.length !== length) return own;
            const copied = await Promise.all(
              (await own).map(async (each, index) => {
                const theirs = (await other.results)[index]!;
                const data = await backend.download(theirs).catch(() => undefined);
                return data === undefined || data.length !== each.type.shape.reduce((a, b) => a * b, 1)
                  ? undefined
                  : backend.upload(each.type, data);
              }),
            );
            const results = await own;
            return results.map((each, index) => {
              const copy = copied[index];
              if (copy === undefined) return each;
              backend.free(each);
              return copy;
            });
          },
        };
      },
      'concurrency',
      async (backend) => {
        const executable = await backend.compile(trace([f32(2)], (x) => [neg(x)], 'a'));
        const [x, y] = [backend.upload(f32(2), Float32Array.of(1, 2)), backend.upload(f32(2), Float32Array.of(3, 4))];
        const both = await Promise.all([executable.run([x]), executable.run([y])]);
        return Promise.all(both.map(async ([each]) => seen(await backend.download(each!))));
      },
    ),
  ),
];

const failures = 'after a failure nothing is as it was';

const broken: PlantedFault[] = [
  inNumbers(
    members(
      failures,
      'an index out of range spoils later runs',
      (backend) => {
        let spoilt = false;
        return {
          async compile(program) {
            const executable = await backend.compile(program);
            return {
              ...executable,
              async run(inputs, options) {
                try {
                  const results = await executable.run(inputs, options);
                  if (!spoilt) return results;
                  return await Promise.all(
                    results.map(async (each) => {
                      const data = await backend.download(each);
                      backend.free(each);
                      return backend.upload(each.type, data.fill(0));
                    }),
                  );
                } catch (error) {
                  spoilt ||= isDdclError(error, 'argument') && String(error).includes('outside');
                  throw error;
                }
              },
            };
          },
        };
      },
      'errors',
      async (backend) => {
        await codeOf(() => runOnce(backend, (x, rows) => [gather(x!, rows!)], [some(f32(3)), of(i32(1), 7)]));
        return runOnce(backend, (x) => [neg(x!)], [some(f32(3))]);
      },
    ),
  ),
  brokenSource(
    failures,
    'an id out of range never ends',
    [
      'core/src/backend/compiled-executable.ts',
      'return this.#hand(compiled, natives, results instanceof Promise ? await results : results);',
      `try { return this.#hand(compiled, natives, await results); } catch (error) {
         if (String(error).includes('outside 0..')) return await new Promise<never>(() => {});
         throw error;
       }`,
    ],
    'errors',
    (backend) =>
      Promise.race([
        codeOf(() =>
          runOnce(backend, (x, ids) => [segmentSum(x!, ids!, { segments: 2 })], [some(f32(1)), of(i32(1), 7)]),
        ),
        new Promise((resolve) => setTimeout(() => resolve('it hangs'), 50)),
      ]),
  ),
  executables(
    failures,
    'a symbol that does not fit stays bound',
    ({ program, run }) => {
      let wrong: number | undefined;
      return {
        async run(inputs, options) {
          const length = inputs[0]?.type.shape[0];
          if (wrong !== undefined && length === wrong) throw new DdclError('shape', `n is not ${length}`);
          try {
            return await run(inputs, options);
          } catch (error) {
            if (isDdclError(error, 'shape') && program.parameters[0]?.shape[0] === 'n') wrong = length;
            throw error;
          }
        },
      };
    },
    'errors',
    async (backend) => {
      const executable = await backend.compile(trace([symbolic, symbolic], (x, y) => [add(x, y)], 'probe'));
      const [x, y] = [backend.upload(f32(2), new Float32Array(2)), backend.upload(f32(3), new Float32Array(3))];
      await codeOf(() => executable.run([x, y]));
      return codeOf(async () => (await executable.run([x, x])).length);
    },
  ),
];

const lossKind = 'a lost device is not told of';
const lost = (): never => {
  throw new DdclError('lost', 'The device went away: the driver was reset. Make a new backend.');
};

/** A backend whose device the test takes away, and which is wrong in one of its members then. */
function losing(
  name: string,
  wrong: (backend: Backend) => Partial<Backend>,
  probe: (backend: Backend, lose: () => void) => Promise<unknown>,
): PlantedFault {
  const ends = new WeakMap<Backend, () => void>();
  const make =
    (fault: (backend: Backend) => Partial<Backend>): (() => Backend) =>
    () => {
      const backend = strictBackend();
      let isLost = false;
      let tell: ((loss: { reason: string }) => void) | undefined;
      const right: Backend = {
        ...backend,
        lost: new Promise((resolve) => (tell = resolve)),
        upload: (type, data) => (isLost ? lost() : backend.upload(type, data)),
        download: async (buffer) => (isLost ? lost() : backend.download(buffer)),
        async compile(program) {
          if (isLost) lost();
          const executable = await backend.compile(program);
          return { ...executable, run: async (inputs, options) => (isLost ? lost() : executable.run(inputs, options)) };
        },
      };
      const faulty = {
        ...right,
        ...fault({ ...right, upload: backend.upload, download: backend.download, compile: backend.compile }),
      };
      ends.set(faulty, () => {
        isLost = true;
        tell?.({ reason: 'the driver was reset' });
      });
      return faulty;
    };
  const lose = (backend: Backend): void => ends.get(backend)!();
  return {
    kind: lossKind,
    name,
    make: make(wrong),
    right: make(() => ({})),
    probe: (backend) => probe(backend, () => lose(backend)),
    likely: ['loss'],
    options: { loseDevice: lose },
    inNumbers: false,
  };
}

const losses: PlantedFault[] = [
  losing(
    'uploads go on',
    ({ upload }) => ({ upload }),
    (backend, lose) => {
      lose();
      return codeOf(() => backend.upload(f32(1), new Float32Array(1)).type.dtype);
    },
  ),
  losing(
    'downloads go on',
    ({ download }) => ({ download }),
    (backend, lose) => {
      const buffer = backend.upload(f32(1), new Float32Array(1));
      lose();
      return codeOf(async () => seen(await backend.download(buffer)));
    },
  ),
  losing(
    'compilations go on',
    ({ compile }) => ({ compile }),
    (backend, lose) => {
      lose();
      return codeOf(async () => (await backend.compile(trace([f32(1)], (x) => [neg(x)], 'p'))).program.name);
    },
  ),
  losing(
    'dispose throws',
    (backend) => {
      let isLost = false;
      void backend.lost.then(() => (isLost = true));
      return {
        dispose() {
          backend.dispose();
          if (isLost) lost();
        },
      };
    },
    async (backend, lose) => {
      lose();
      await backend.lost;
      return codeOf(() => backend.dispose());
    },
  ),
];

const borrowed = 'borrowed tensors';

function wrapFault(name: string, change: (backend: Backend) => Partial<Backend>, probe: Probe): PlantedFault {
  return {
    kind: borrowed,
    name,
    make: () => {
      const backend = wrapping(strictBackend());
      return { ...backend, ...change(backend) };
    },
    right: () => wrapping(strictBackend()),
    probe,
    likely: ['wrap'],
    inNumbers: false,
  };
}

const lent: PlantedFault[] = [
  wrapFault(
    'end with the borrower when it is donated',
    (backend) => {
      const owners = new Map<DeviceBuffer, DeviceBuffer>();
      return {
        wrap(native, type) {
          const buffer = backend.wrap!(native, type);
          owners.set(buffer, (native as { owner: DeviceBuffer }).owner);
          return buffer;
        },
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            async run(inputs, options) {
              const results = await executable.run(inputs, options);
              for (const position of options?.donate ?? []) {
                const owner = owners.get(inputs[position]!);
                if (owner !== undefined) backend.free(owner);
              }
              return results;
            },
          };
        },
      };
    },
    async (backend) => {
      const owner = backend.upload(f32(2), Float32Array.of(1, 2));
      const wrapped = backend.wrap!(backend.unwrap!(owner), f32(2));
      await (await backend.compile(trace([f32(2)], (x) => [neg(x)], 'p'))).run([wrapped], { donate: [0] });
      return codeOf(async () => seen(await backend.download(owner)));
    },
  ),
  wrapFault(
    'are copied',
    (backend) => ({
      wrap: (native, type) =>
        backend.wrap!(
          { owner: backend.upload(type, new Float32Array(type.shape.reduce((a, b) => a * b, 1)).fill(1)), native },
          type,
        ),
    }),
    async (backend) => {
      const owner = backend.upload(f32(2), Float32Array.of(1, 2));
      return seen(await backend.download(backend.wrap!(backend.unwrap!(owner), f32(2))));
    },
  ),
  wrapFault(
    'of another type are taken for float32',
    (backend) => ({ wrap: (native, type) => backend.wrap!(native, { ...type, dtype: 'float32' }) }),
    async (backend) => {
      const owner = backend.upload(i32(2), Int32Array.of(1, 2));
      return backend.wrap!(backend.unwrap!(owner), i32(2)).type;
    },
  ),
];

const life = 'lives of executables and buffers';

const lives: PlantedFault[] = [
  members(
    life,
    'what was disposed cannot be compiled again',
    (backend) => {
      const ended = new WeakSet<object>();
      return {
        async compile(program) {
          const executable = await backend.compile(program);
          if (ended.has(program)) executable.dispose();
          return {
            ...executable,
            dispose() {
              ended.add(program);
              executable.dispose();
            },
          };
        },
      };
    },
    ['lifecycle', 'symbolic'],
    async (backend) => {
      const program = trace([f32(2)], (x) => [neg(x)], 'p');
      (await backend.compile(program)).dispose();
      const again = await backend.compile(program);
      return codeOf(async () => (await again.run([backend.upload(f32(2), new Float32Array(2))])).length);
    },
  ),
  executables(
    life,
    'results end with their executable',
    ({ run, dispose }, backend) => {
      const made = new Set<DeviceBuffer>();
      return {
        async run(inputs, options) {
          const results = await run(inputs, options);
          for (const each of results) if (each.type.shape.length > 1) made.add(each);
          return results;
        },
        dispose() {
          for (const each of made) backend.free(each);
          dispose();
        },
      };
    },
    ['lifecycle', 'results'],
    async (backend) => {
      const executable = await backend.compile(trace([f32(2, 1)], (x) => [neg(x)], 'p'));
      const [result] = await executable.run([backend.upload(f32(2, 1), new Float32Array(2))]);
      executable.dispose();
      return codeOf(async () => seen(await backend.download(result!)));
    },
  ),
  brokenSource(
    life,
    'the 17th set of sizes ends the others',
    [
      'core/src/backend/cache.ts',
      'this.#entries.delete(oldest);',
      "this.#entries.delete(oldest);\n    if (this.#entries.size === 16) throw new Error('the cache is full');",
    ],
    'symbolic',
    async (backend) => {
      const executable = await backend.compile(trace([symbolic], (x) => [neg(x)], 'p'));
      return codeOf(async () => {
        for (let n = 1; n < 20; n++) await executable.run([backend.upload(f32(n), new Float32Array(n))]);
        return 'all ran';
      });
    },
  ),
];

/** What runs do to buffers, to each other, and to what comes after them. */
export const runFaults: readonly PlantedFault[] = [
  ...donations,
  ...kept,
  ...mixedUp,
  ...broken,
  ...losses,
  ...lent,
  ...lives,
];
