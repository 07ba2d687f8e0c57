import { add, constant, detach, neg, reshape, slice, sum, trace, zerosLike, type Tensor } from '@ddcl/core';
import {
  byteLength,
  tensorType,
  type ConcreteType,
  type Executable,
  type TensorType,
  type TypedArray,
} from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkResults, expectedResults } from '../../run/check.ts';
import type { CaseContext } from '../../run/context.ts';
import { describeCall } from '../../run/describe-call.ts';
import { require } from '../../run/failure.ts';
import { value } from '../data.ts';
import { requireMemory, three } from './small-programs.ts';

type Body = (x: Tensor, y: Tensor) => readonly Tensor[];

const exchanged: Body = (x, y) => [y, x];
const negatedTwice: Body = (x) => {
  const y = neg(x);
  return [y, y];
};

/** What programs may return, of two vectors of three. */
const programs: Readonly<Record<string, Body>> = {
  'a parameter': (x) => [x],
  'two parameters, exchanged': exchanged,
  'a parameter twice': (x) => [x, x],
  'a parameter reshaped and detached': (x) => [reshape(x, [3, 1]), detach(x), reshape(detach(x), [1, 3])],
  'a result twice': negatedTwice,
  'a result, a reshape of it, and what is made of it': (x) => {
    const y = neg(x);
    return [reshape(y, [3, 1]), add(y, y), y];
  },
  'nothing but constants': (x) => [constant(x, 'float32', [2], [7, 8]), zerosLike(x), constant(x, 'int32', [], [5])],
  'something empty beside something else': (x, y) => [slice(x, [3], [0]), y, add(x, sum(slice(x, [1], [0])))],
  'one of two parameters': (_x, y) => [add(y, 1)],
};

/** Those of {@link programs} that can be traced for any length. */
const generic: Readonly<Record<string, Body>> = {
  'a parameter': (x) => [x],
  'two parameters, exchanged': exchanged,
  'a parameter twice': (x) => [x, x],
  'a parameter reshaped and detached': (x) => [reshape(x, ['n', 1]), detach(x), reshape(detach(x), [1, 'n'])],
  'a result twice': negatedTwice,
};

/** More than a vector register or a small buffer holds. */
const long = 1031;

/** Nothing that ends takes anything else with it: inputs first, then one result after the other. */
async function requireOwnMemory(context: CaseContext, executable: Executable, n: number): Promise<void> {
  const { backend } = context;
  const type = tensorType('float32', [n]) as ConcreteType;
  const numbers = Array.from({ length: n }, (_, index) => index + 1);
  const inputs = [
    value(type, numbers),
    value(
      type,
      numbers.map((each) => each + n),
    ),
  ];
  const call = describeCall(executable.program, inputs);
  const before = backend.memory();
  const [x, y] = inputs.map((each) => backend.upload(each.type, each.data));
  const results = await executable.run([x!, y!]);
  const all = [x!, y!, ...results];
  require(new Set(all).size === all.length, `${call}: a buffer was handed out twice`);
  requireMemory(`${call}: with inputs and results`, backend, {
    buffers: before.buffers + all.length,
    bytes: before.bytes + all.reduce((total, each) => total + byteLength(each.type), 0),
  });
  backend.free(x!);
  backend.free(y!);
  // Takes the place that they may have left.
  const other = backend.upload(type, new Float32Array(n).fill(9));
  const actual: TypedArray[] = [];
  for (const result of results) {
    actual.push(await backend.download(result));
    backend.free(result);
  }
  checkResults(
    `${call}, each downloaded after what came before it was freed`,
    actual,
    expectedResults(context, executable.program, inputs),
  );
  backend.free(other);
  requireMemory(`${call}: after all frees`, backend, before);
}

const resultCase = (name: string, body: Body, type: TensorType, sizes: readonly number[]): ConformanceCase =>
  conformanceCase('results', name, async (context) => {
    const executable = await context.backend.compile(trace([type, type], (x, y) => [...body(x, y)], name));
    for (const n of sizes) await requireOwnMemory(context, executable, n);
    executable.dispose();
  });

/** Results are new buffers that the caller owns alone, whatever the program returns. */
export function resultCases(): ConformanceCase[] {
  return [
    ...Object.entries(programs).map(([name, body]) => resultCase(name, body, three, [3])),
    ...Object.entries(generic).map(([name, body]) =>
      resultCase(`${name}, of any length`, body, tensorType('float32', ['n']), [3, long]),
    ),
    resultCase('two long parameters, exchanged', exchanged, tensorType('float32', [long]), [long]),
  ];
}
