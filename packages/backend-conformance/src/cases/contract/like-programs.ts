import {
  add,
  concat,
  constant,
  iota,
  layerNorm,
  matmul,
  max,
  maskedSoftmax,
  mul,
  neg,
  reshape,
  segmentSum,
  slice,
  sub,
  sum,
  trace,
  transpose,
  type Tensor,
} from '@ddcl/core';
import { tensorType, type Program } from '@ddcl/core/backend';
import type { Value } from '../../oracle/tensor.ts';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkResults, expectedResults } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { evaluateOn } from '../../run/evaluate-on.ts';
import { require } from '../../run/failure.ts';
import { value } from '../data.ts';

const square = tensorType('float32', [3, 3]);
const row = tensorType('float32', [3]);
const types = [square, row, row];
const inputs: readonly Value[] = [
  value(square, [1, 5, -2, 4, 0, 3, 7, -6, 2]),
  value(row, [1, 2, 4]),
  value(row, [-3, 5, 1]),
];

type Body = (x: Tensor, a: Tensor, b: Tensor) => readonly Tensor[];

/** Programs that differ in one thing. Whoever keeps compiled programs by a key that leaves it out gives the result of another. */
const families: Readonly<Record<string, readonly Body[]>> = {
  'a factor': [2, 3, 2.0001, 2.0002, -2].map((factor): Body => (x) => [mul(x, factor)]),
  'one number of a constant': [
    [1, 2, 3],
    [1, 2, 4],
    [1, 5, 3],
    [0, 2, 3],
  ].map((data): Body => (x) => [add(x, constant(x, 'float32', [3], data))]),
  'the shape of a constant': [[3], [3, 1]].map((shape): Body => (x) => [
    add(x, constant(x, 'float32', shape, [1, 2, 3])),
  ]),
  'where a slice starts': [
    [0, 0],
    [1, 0],
    [0, 1],
  ].map((starts): Body => (x) => [slice(x, starts, [2, 2])]),
  'the axis of a sum': [[0], [1]].map((axes): Body => (x) => [sum(x, axes), max(x, axes)]),
  'the axis of a concatenation': [0, 1].map((axis): Body => (x) => [
    slice(concat([x, x], axis), [0, 0], [3, 3]),
    reshape(concat([x, neg(x)], axis), [18]),
  ]),
  'the axis of iota': [0, 1].map((axis): Body => (x) => [add(x, iota(x, 'float32', [3, 3], axis))]),
  'which matrix is transposed': [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].map(([transposeA, transposeB]): Body => (x, a) => [
    matmul(x, mul(x, a), { transposeA: transposeA!, transposeB: transposeB! }),
  ]),
  'a transposition': [
    [0, 1],
    [1, 0],
  ].map((permutation): Body => (x) => [transpose(reshape(x, [3, 3]), permutation)]),
  'the order of operands': [(_x, a, b) => [sub(a, b)], (_x, a, b) => [sub(b, a)], (_x, a) => [sub(a, a)]],
  'an operand that is read twice': [
    (_x, a, b) => [concat([a, b, a], 0)],
    (_x, a, b) => [concat([a, b, b], 0)],
    (_x, a, b) => [concat([b, a, b], 0)],
  ],
  'the order of results': [
    (_x, a, b) => [a, b, add(a, b)],
    (_x, a, b) => [b, a, add(a, b)],
    (_x, a, b) => [a, add(a, b), b],
  ],
  'the op, under the same name': [(x) => [neg(x)], (x) => [add(x, x)], (x) => [mul(x, x)]],
  'a setting of a composite': [1e-5, 0.5, 5].map((epsilon): Body => (x, a, b) => [layerNorm(x, a, b, epsilon)]),
  'the axis of a composite': [0, 1].map((axis): Body => (x) => [maskedSoftmax(mul(x, 0.25), mul(x, x), axis)]),
  'how many segments': [3, 4].map((segments): Body => (x) => [
    sum(segmentSum(x, constant(x, 'int32', [3], [0, 2, 0]), { segments }), [1]),
  ]),
};

function familyCase(name: string, bodies: readonly Body[]): ConformanceCase {
  return conformanceCase('repeated', `programs that differ in ${name}`, async (context) => {
    const { backend } = context;
    const programs = bodies.map((body) => trace(types, (x, a, b) => [...body(x, a, b)], 'alike'));
    const executables = [];
    for (const program of programs) executables.push(await backend.compile(program));
    let worst = 0;
    // Once there and back, so that each one runs after each of its neighbours.
    for (const index of [...programs.keys(), ...[...programs.keys()].reverse()]) {
      const program = programs[index]!;
      const actual = await evaluateOn(backend, executables[index]!, inputs);
      worst = Math.max(
        worst,
        checkResults(
          `program ${index}, ${describeCall(program, inputs)}`,
          actual,
          expectedResults(context, program, inputs),
        ),
      );
    }
    for (const executable of executables) executable.dispose();
    return worst;
  });
}

/** Everything that there is in a program, constants included. */
function written(program: Program): string {
  return JSON.stringify(program, (_, found: unknown) =>
    ArrayBuffer.isView(found)
      ? [found.constructor.name, ...(found as Float32Array)]
      : found === undefined
        ? null
        : found,
  );
}

const watched: Readonly<Record<string, () => Program>> = {
  'with constants': () =>
    trace(
      types,
      (x, a, b) => [
        mul(add(x, constant(x, 'float32', [3], [7, 8, 9])), 3),
        sub(a, b),
        neg(constant(x, 'int32', [2], [1, -1])),
      ],
      'watched',
    ),
  'with composites': () => trace(types, (x, a, b) => [layerNorm(x, a, b), maskedSoftmax(x, mul(x, x))], 'watched'),
  'with symbols': () =>
    trace([tensorType('float32', ['n', 3])], (x) => [sum(x, [0]), reshape(mul(x, x), [3, 'n'])], 'watched'),
};

/** A backend may run what is alike once, but must tell apart what is not; a program stays as it is. */
export function likeProgramCases(): ConformanceCase[] {
  return [
    ...Object.entries(families).map(([name, bodies]) => familyCase(name, bodies)),
    ...Object.entries(watched).map(([name, make]) =>
      conformanceCase('lifecycle', `a program ${name} stays as it is`, async ({ backend }) => {
        const program = make();
        const before = written(program);
        const executable = await backend.compile(program);
        require(written(program) === before, `compile changed the program to ${written(program)} from ${before}`);
        await evaluateOn(backend, executable, name === 'with symbols' ? inputs.slice(0, 1) : inputs);
        executable.dispose();
        require(written(program) === before, `a run changed the program to ${written(program)} from ${before}`);
      }),
    ),
  ];
}
