import { add, concat, gather, mul, neg, select, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { executables, wrongNumbers } from '../make-fault.ts';
import type { PlantedFault, Probe } from '../planted-fault.ts';
import { f32, filled, gives, i32, of, runOnce, some } from '../probes.ts';

const cpu = 'backend-cpu/src/cpu-backend.ts';
const elementwise = 'backend-cpu/src/kernels/elementwise.ts';
const indexing = 'backend-cpu/src/kernels/indexing.ts';

const untaken = 'what is not taken counts';
const take = 'condition![fromC! + index * stepC!] !== 0 ? a![fromA! + index * stepA!]! : b![fromB! + index * stepB!]!;';
const [c, a, b] = [
  'condition![fromC! + index * stepC!] !== 0',
  'a![fromA! + index * stepA!]!',
  'b![fromB! + index * stepB!]!',
];
const beside: Probe = gives(
  (x, y, z) => [select(x!, y!, z!)],
  of(i32(2), 1, 0),
  of(f32(2), 3, NaN),
  of(f32(2), Infinity, 4),
);

const selected: PlantedFault[] = [
  wrongNumbers(
    untaken,
    'select adds up products with 0 and 1',
    [elementwise, take, `(${c} ? 1 : 0) * ${a} + (${c} ? 0 : 1) * ${b};`],
    'primitive',
    beside,
  ),
  wrongNumbers(
    untaken,
    'select moves from one operand to the other',
    [elementwise, take, `${c} ? ${a} : ${a} + (${b} - ${a});`],
    'primitive',
    beside,
  ),
  wrongNumbers(
    untaken,
    'select takes NaN for the first operand',
    [elementwise, take, `${c} || Number.isNaN(${a}) ? ${a} : ${b};`],
    'primitive',
    beside,
  ),
];

const rows: PlantedFault[] = [
  wrongNumbers(
    'wrong beyond 65,535',
    'gather counts rows of more than one number in 16 bits',
    [
      indexing,
      'const row = indices![place]!;',
      'const row = width > 1 ? indices![place]! & 0xffff : indices![place]!;',
    ],
    'large',
    gives(
      (x, at) => [gather(x!, at!)],
      filled(f32(70_000, 2), (index) => index),
      of(i32(2), 69_999, 1),
    ),
  ),
  wrongNumbers(
    'wrong beyond 65,535',
    'gather has offsets of 17 bits',
    [
      indexing,
      'x!.subarray(row * width, (row + 1) * width)',
      'x!.subarray((row * width) & 0x1ffff, ((row * width) & 0x1ffff) + width)',
    ],
    'large',
    gives(
      (x, at) => [gather(x!, at!)],
      filled(f32(70_000, 3), (index) => index),
      of(i32(2), 69_999, 1),
    ),
  ),
];

const shared = 'results share memory with what they came from';
const [copy, release] = ['copy: (native) => native.slice(),', 'release: () => {},'];
/** Frees the parameter, then looks at the result. */
const afterFree =
  (n: number): Probe =>
  async (backend) => {
    const numbers = some(f32(n));
    const executable = await backend.compile(trace([numbers.type], (x) => [x], 'returned'));
    const x = backend.upload(numbers.type, numbers.data);
    const [result] = await executable.run([x]);
    backend.free(x);
    return Array.from(await backend.download(result!));
  };

const returned: PlantedFault[] = [
  wrongNumbers(
    shared,
    'a returned parameter of more than 4 numbers ends with the parameter',
    [
      [cpu, copy, 'copy: (native) => (native.length > 4 ? native : native.slice()),'],
      [cpu, release, 'release: (native) => void native.fill(7),'],
    ],
    'results',
    afterFree(5),
  ),
  wrongNumbers(
    shared,
    'copies end after 1,024 numbers',
    [cpu, copy, 'copy: (native) => native.map((each, index) => (index < 1024 ? each : 0)) as typeof native,'],
    'results',
    afterFree(1030),
  ),
];

const many = 'many operands or results';
const wrongRun = (
  name: string,
  change: Parameters<typeof executables>[2],
  likely: 'limits' | 'donation' | 'results',
  probe: Probe,
  kind = many,
): PlantedFault => ({ ...executables(kind, name, change, likely, probe), inNumbers: true });
const twenty = Array.from({ length: 20 }, (_, index) => of(f32(3), index, 1, 2));

const counted: PlantedFault[] = [
  wrongRun(
    'operands after the 16th are the 16th',
    ({ run }) => ({
      run: (inputs, options) =>
        run(
          inputs.map((each, at) => (at > 16 ? inputs[16]! : each)),
          options,
        ),
    }),
    'limits',
    (backend) => runOnce(backend, (...x) => [concat(x, 0)], twenty),
  ),
  wrongRun(
    'results after the 16th come in the other order',
    ({ run }) => ({
      async run(inputs, options) {
        const results = await run(inputs, options);
        return [...results.slice(0, 16), ...results.slice(16).reverse()];
      },
    }),
    'limits',
    (backend) => runOnce(backend, (x) => twenty.map((_, index) => add(x!, index)), [some(f32(3))]),
  ),
  wrongRun(
    'the only result of a donating run is what was donated',
    ({ run }, backend: Backend) => ({
      async run(inputs, options) {
        const first = inputs[options?.donate?.[0] ?? -1];
        const data = first && (await backend.download(first));
        const results = await run(inputs, options);
        if (data === undefined || results.length !== 1 || results[0]!.type.shape.join() !== '3') return results;
        backend.free(results[0]!);
        return [backend.upload(results[0]!.type, data)];
      },
    }),
    'donation',
    (backend) => runOnce(backend, (x, y) => [mul(neg(x!), y!)], [some(f32(3)), some(f32(3), 2)], undefined, [0]),
    'donated buffers',
  ),
];

/** What is chosen, by a condition or a number, and what a run is given and gives. */
export const choiceFaults: readonly PlantedFault[] = [...selected, ...rows, ...returned, ...counted];
