import {
  trace,
  add,
  concat,
  constant,
  layerNorm,
  matmul,
  mul,
  nearest,
  neg,
  reshape,
  segmentSum,
  slice,
  sub,
  sum,
} from '@ddcl/core';
import {
  DdclError,
  formatType,
  tensorType,
  type Backend,
  type Executable,
  type Instruction,
  type Program,
} from '@ddcl/core/backend';
import { brokenSource, executables, members, wrongNumbers } from '../make-fault.ts';
import type { PlantedFault } from '../planted-fault.ts';
import { f32, giveInTurn, givesInTurn, i32, of, some } from '../probes.ts';

const inNumbers = (fault: PlantedFault): PlantedFault => ({ ...fault, inNumbers: true });

const remembered = 'results of an earlier run are given again';

/** Runs whose results are remembered by some of what goes in. */
function remembering(
  keyOf: (inputs: readonly ArrayLike<number>[]) => string,
): (executable: Executable, backend: Backend) => Partial<Executable> {
  return ({ run }, backend) => {
    const known = new Map<
      string,
      readonly { type: Parameters<Backend['upload']>[0]; data: Parameters<Backend['upload']>[1] }[]
    >();
    return {
      async run(inputs, options) {
        // Both look at their inputs now, which may end right after.
        const reading = Promise.all(inputs.map((input) => backend.download(input)));
        // Of no interest where the run fails too.
        reading.catch(() => {});
        const results = await run(inputs, options);
        const key = `${inputs.map(({ type }) => formatType(type)).join()} ${keyOf(await reading)}`;
        const before = known.get(key);
        if (before === undefined) {
          const numbers = await Promise.all(results.map((each) => backend.download(each)));
          known.set(
            key,
            results.map(({ type }, index) => ({ type, data: numbers[index]! })),
          );
          return results;
        }
        for (const each of results) backend.free(each);
        return before.map(({ type, data }) => backend.upload(type, data));
      },
    };
  };
}

const twice = givesInTurn(
  [f32(3), f32(3)],
  (x, y) => [add(x, y)],
  [of(f32(3), 1, 2, 3), of(f32(3), 1, 1, 1)],
  [of(f32(3), 1, 2, 3), of(f32(3), 5, 5, 5)],
  [of(f32(3), 3, 2, 1), of(f32(3), 5, 5, 5)],
  [of(f32(3), 2, 3, 1), of(f32(3), 0, 1, 2)],
  [of(f32(3), 2, 9, 1), of(f32(3), 0, 1, 2)],
);

const memories: PlantedFault[] = [
  inNumbers(
    executables(
      remembered,
      'by the first input',
      remembering(([x]) => Array.from(x ?? []).join()),
      ['repeated', 'symbolic'],
      twice,
    ),
  ),
  inNumbers(
    executables(
      remembered,
      'by the last input',
      remembering((inputs) => Array.from(inputs.at(-1) ?? []).join()),
      ['repeated', 'symbolic'],
      twice,
    ),
  ),
  inNumbers(
    executables(
      remembered,
      'by the sums of the inputs',
      remembering((inputs) => inputs.map((x) => Array.from(x).reduce((total, each) => total + each, 0)).join()),
      ['repeated', 'symbolic'],
      givesInTurn([f32(3)], (x) => [neg(x)], [of(f32(3), 1, 2, 3)], [of(f32(3), 3, 2, 1)]),
    ),
  ),
  inNumbers(
    executables(
      remembered,
      'by the ends of the inputs',
      remembering((inputs) => inputs.map((x) => `${x[0]} ${x[x.length - 1]}`).join()),
      ['repeated', 'symbolic'],
      givesInTurn([f32(3)], (x) => [neg(x)], [of(f32(3), 1, 2, 3)], [of(f32(3), 1, 7, 3)]),
    ),
  ),
  inNumbers(
    executables(
      remembered,
      'what needs no input is one buffer for all runs',
      ({ program, run }, backend) => {
        let first: Awaited<ReturnType<Executable['run']>> | undefined;
        return {
          async run(inputs, options) {
            const results = await run(inputs, options);
            if (
              program.instructions.some(({ inputs: used }) => used.length > 0) ||
              program.results.some((id) => id < inputs.length)
            )
              return results;
            if (first === undefined) return (first = results);
            for (const each of results) backend.free(each);
            return first;
          },
        };
      },
      'results',
      async (backend) => {
        const [run] = await constantsOnly(backend);
        const [a] = await run!();
        const [b] = await run!();
        return a === b;
      },
    ),
  ),
];

async function constantsOnly(backend: Backend): Promise<(() => Promise<readonly unknown[]>)[]> {
  const executable = await backend.compile(trace([f32(3)], (x) => [constant(x, 'float32', [2], [1, 2])], 'probe'));
  const x = backend.upload(f32(3), new Float32Array(3));
  return [() => executable.run([x])];
}

const programs = 'programs are told apart too coarsely';

/** Compilations that are shared by programs of the same key. */
function sharing(keyOf: (program: Program) => string): (backend: Backend) => Partial<Backend> {
  return (backend) => {
    const known = new Map<string, Promise<Executable>>();
    return {
      async compile(program) {
        // Whatever cannot run is refused all the same.
        (await backend.compile(program)).dispose();
        const key = keyOf(program);
        const compiled = known.get(key) ?? backend.compile(program);
        known.set(key, compiled);
        const executable = await compiled;
        let disposed = false;
        return {
          program,
          async run(inputs, options) {
            if (disposed) throw new DdclError('disposed', `${program.name} was run after its dispose.`);
            return executable.run(inputs, options);
          },
          dispose() {
            disposed = true;
          },
        };
      },
    };
  };
}

const typesOf = ({ parameters }: Program): string => parameters.map(formatType).join();
const nameOf = (each: Instruction): string => (each.op === 'composite' ? each.name : each.op);
const stepsOf = (program: Program, write: (each: Instruction) => string): string =>
  `${typesOf(program)} ${program.instructions.map((each) => `${write(each)}:${each.outputs.map(formatType).join()}`).join(';')}`;
const attributes = (each: Instruction): string =>
  JSON.stringify(each.attributes, (_, found: unknown) =>
    ArrayBuffer.isView(found) ? Array.from(found as Float32Array) : found,
  );
const full = (each: Instruction): string => `${nameOf(each)}(${each.inputs.join()})${attributes(each)}`;
const results = (program: Program): string => program.results.join();

function sameProgram(name: string, keyOf: (program: Program) => string, probe: PlantedFault['probe']): PlantedFault {
  return inNumbers(members(programs, name, sharing(keyOf), ['repeated', 'lifecycle'], probe));
}

const x3 = of(f32(3), 1, 2, 4);
const y3 = of(f32(3), 5, 1, 1);

const compilations: PlantedFault[] = [
  sameProgram(
    'constants do not count',
    (p) => `${stepsOf(p, (each) => (each.op === 'constant' ? 'constant' : full(each)))} ${results(p)}`,
    giveInTurn([(x) => [mul(x, 2)], x3], [(x) => [mul(x, 3)], x3]),
  ),
  sameProgram(
    'constants are compared with three digits',
    (p) =>
      `${stepsOf(p, (each) => (each.op === 'constant' ? `constant${Array.from(each.attributes.data, (c) => c.toPrecision(3)).join()}` : full(each)))} ${results(p)}`,
    giveInTurn([(x) => [mul(x, 1.0001)], x3], [(x) => [mul(x, 1.0002)], x3]),
  ),
  sameProgram(
    'of a constant the first number counts',
    (p) =>
      `${stepsOf(p, (each) => (each.op === 'constant' ? `constant${each.attributes.data[0]}` : full(each)))} ${results(p)}`,
    giveInTurn(
      [(x) => [add(x, constant(x, 'float32', [3], [1, 2, 3]))], x3],
      [(x) => [add(x, constant(x, 'float32', [3], [1, 5, 3]))], x3],
    ),
  ),
  sameProgram(
    'attributes do not count',
    (p) =>
      `${stepsOf(p, (each) => `${nameOf(each)}(${each.inputs.join()})${each.op === 'constant' ? attributes(each) : ''}`)} ${results(p)}`,
    giveInTurn([(x) => [slice(x, [0], [2])], x3], [(x) => [slice(x, [1], [2])], x3]),
  ),
  sameProgram(
    'settings of composites do not count',
    (p) =>
      `${stepsOf(p, (each) => (each.op === 'composite' ? `${each.name}(${each.inputs.join()})` : full(each)))} ${results(p)}`,
    giveInTurn(
      [(x, a, b) => [layerNorm(x, a, b, 0.5)], some(f32(2, 3)), x3, y3],
      [(x, a, b) => [layerNorm(x, a, b, 5)], some(f32(2, 3)), x3, y3],
    ),
  ),
  sameProgram(
    'by their names and parameters',
    (p) => `${p.name} ${typesOf(p)}`,
    giveInTurn([(x) => [neg(x)], x3], [(x) => [add(x, x)], x3]),
  ),
  sameProgram(
    'the order of results does not count',
    (p) => `${stepsOf(p, full)} ${[...p.results].sort().join()}`,
    giveInTurn([(x, y) => [x, y], x3, y3], [(x, y) => [y, x], x3, y3]),
  ),
  sameProgram(
    'the order of operands does not count',
    (p) =>
      `${stepsOf(p, (each) => `${nameOf(each)}(${[...each.inputs].sort().join()})${attributes(each)}`)} ${results(p)}`,
    giveInTurn([(x, y) => [sub(x, y)], x3, y3], [(x, y) => [sub(y, x)], x3, y3]),
  ),
  sameProgram(
    'what is read twice counts once',
    (p) =>
      `${stepsOf(p, (each) => `${nameOf(each)}(${[...new Set(each.inputs)].join()})${attributes(each)}`)} ${results(p)}`,
    giveInTurn([(x, y) => [concat([x, y, x], 0)], x3, y3], [(x, y) => [concat([x, y, y], 0)], x3, y3]),
  ),
];

const plans = 'sizes are told apart too coarsely';
const runner = 'core/src/backend/compiled-executable.ts';
const key = 'const key = JSON.stringify(bindings);';
const sizes = 'Object.values(bindings)';

const threeSymbols = (...runs: readonly (readonly [number, number, number])[]): PlantedFault['probe'] =>
  givesInTurn(
    [tensorType('float32', ['a', 'b']), tensorType('float32', ['b', 'c'])],
    (x, y) => [matmul(x, y), sum(x, [1]), reshape(y, ['c', 'b'])],
    ...runs.map(([a, b, c]) => [some(f32(a, b)), some(f32(b, c), 2)]),
  );

const lookups: PlantedFault[] = (
  [
    [
      'joined without a mark',
      `${sizes}.join('')`,
      [
        [1, 11, 2],
        [11, 1, 2],
        [1, 1, 12],
      ],
    ],
    [
      'by the first two symbols',
      `${sizes}.slice(0, 2).join()`,
      [
        [2, 3, 4],
        [2, 3, 5],
      ],
    ],
    [
      'by the last two symbols',
      `${sizes}.slice(-2).join()`,
      [
        [2, 3, 4],
        [3, 3, 4],
      ],
    ],
    [
      'by their product',
      `String(${sizes}.reduce((a, b) => a * b, 1))`,
      [
        [2, 3, 4],
        [4, 3, 2],
      ],
    ],
    [
      'by their sum',
      `String(${sizes}.reduce((a, b) => a + b, 0))`,
      [
        [2, 3, 4],
        [4, 3, 2],
      ],
    ],
    [
      'sorted',
      `${sizes}.sort((a, b) => a - b).join()`,
      [
        [2, 3, 4],
        [4, 3, 2],
      ],
    ],
    [
      'in steps of 4',
      `${sizes}.map((size) => Math.ceil(size / 4)).join()`,
      [
        [2, 3, 4],
        [1, 3, 4],
      ],
    ],
    [
      'not above 1,000',
      `${sizes}.map((size) => Math.min(size, 1000)).join()`,
      [
        [2, 3, 1200],
        [2, 3, 1100],
      ],
    ],
  ] as const
).map(([name, text, runs]) =>
  wrongNumbers(plans, name, [runner, key, `const key = ${text};`], 'symbolic', threeSymbols(...runs)),
);

const changed = 'compile changes the program';

function changing(name: string, change: (program: Program) => void): PlantedFault {
  return members(
    changed,
    name,
    (backend) => ({
      async compile(program) {
        const executable = await backend.compile(program);
        change(program);
        return executable;
      },
    }),
    'lifecycle',
    async (backend) => {
      const program = trace(
        [f32(3), i32(3)],
        (x, ids) => [mul(segmentSum(x, ids, { segments: 3 }), 2), neg(x)],
        'probe',
      );
      await backend.compile(program);
      return JSON.parse(JSON.stringify(program)) as unknown;
    },
  );
}

const changes: PlantedFault[] = [
  changing('an annotation on the program', (program) => Object.assign(program, { plan: 1 })),
  changing('an annotation on each instruction', (program) =>
    program.instructions.forEach((each) => Object.assign(each, { step: 1 })),
  ),
  changing('an annotation on attributes', (program) =>
    program.instructions.forEach((each) => Object.assign(each.attributes, { planned: true })),
  ),
  changing('another name', (program) => Object.assign(program, { name: `compiled ${program.name}` })),
  changing('constants in another unit', (program) =>
    program.instructions.forEach((each) => each.op === 'constant' && each.attributes.data.fill(0)),
  ),
];

const stale = 'memory of earlier work shows through';

const scratch: PlantedFault[] = [
  wrongNumbers(
    stale,
    'segments go on from the sums of before',
    [
      'backend-cpu/src/kernels/indexing.ts',
      'const totals = new Float64Array(elementCount(shape));',
      'const kept = (globalThis as any).plantedTotals ??= new Map(); const totals: Float64Array = kept.get(elementCount(shape)) ?? new Float64Array(elementCount(shape)); kept.set(elementCount(shape), totals);',
    ],
    ['repeated', 'primitive'],
    giveInTurn(
      [(x, ids) => [segmentSum(x, ids, { segments: 2 })], x3, of(i32(3), 0, 1, 0)],
      [(x, ids) => [segmentSum(x, ids, { segments: 2 })], x3, of(i32(3), 0, 1, 0)],
    ),
  ),
  wrongNumbers(
    stale,
    'scratch memory is not cleared',
    [
      'backend-cpu/src/arithmetic/simd.ts',
      'data: new Float64Array(memory.buffer, at, length).fill(0)',
      'data: new Float64Array(memory.buffer, at, length)',
    ],
    'composite',
    giveInTurn(
      [(z, p) => [nearest({ tokens: z, prototypes: p }).distances], some(f32(9, 7)), some(f32(6, 7), 2)],
      [(z, p) => [nearest({ tokens: z, prototypes: p }).distances], some(f32(9, 5)), some(f32(3, 5), 2)],
    ),
  ),
  wrongNumbers(
    stale,
    'a product packs its second operand once for all batches',
    ['backend-cpu/src/kernels/matmul.ts', 'if (packed !== startB)', 'if (packed === -1)'],
    'broadcasting',
    giveInTurn([(a, b) => [matmul(a, b)], some(f32(2, 2, 3)), some(f32(2, 3, 2), 2)]),
  ),
  brokenSource(
    stale,
    'an executable is disposed by its first run',
    [
      runner,
      'const running = compiled.program!.run(natives);',
      'const running = compiled.program!.run(natives);\n      this.#disposed = compiled.types.length > 2;',
    ],
    ['lifecycle', 'results'],
    givesInTurn([f32(3)], (x) => [neg(x), add(x, x), mul(x, x)], [x3], [x3]),
  ),
];

/** What a backend keeps from one run, compilation or program to the next. */
export const cacheFaults: readonly PlantedFault[] = [...memories, ...compilations, ...lookups, ...changes, ...scratch];
