import { add, constant, detach, neg, reshape, slice, sum, trace, zerosLike, type Tensor } from '@ddcl/core';
import { tensorType } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { require } from '../../run/failure.ts';
import { requireMemory, requireNumbers, three, upload } from './small-programs.ts';

interface Returned {
  readonly body: (x: Tensor, y: Tensor) => readonly Tensor[];
  readonly expected: readonly (readonly number[])[];
}

/** What programs may return, of x = 1, 2, 3 and y = 4, 5, 6. */
const programs: Readonly<Record<string, Returned>> = {
  'a parameter': { body: (x) => [x], expected: [[1, 2, 3]] },
  'two parameters, exchanged': {
    body: (x, y) => [y, x],
    expected: [
      [4, 5, 6],
      [1, 2, 3],
    ],
  },
  'a parameter twice': {
    body: (x) => [x, x],
    expected: [
      [1, 2, 3],
      [1, 2, 3],
    ],
  },
  'a parameter reshaped and detached': {
    body: (x) => [reshape(x, [3, 1]), detach(x), reshape(detach(x), [1, 3])],
    expected: [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ],
  },
  'a result twice': {
    body: (x) => {
      const y = neg(x);
      return [y, y];
    },
    expected: [
      [-1, -2, -3],
      [-1, -2, -3],
    ],
  },
  'a result, a reshape of it, and what is made of it': {
    body: (x) => {
      const y = neg(x);
      return [reshape(y, [3, 1]), add(y, y), y];
    },
    expected: [
      [-1, -2, -3],
      [-2, -4, -6],
      [-1, -2, -3],
    ],
  },
  'nothing but constants': {
    body: (x) => [constant(x, 'float32', [2], [7, 8]), zerosLike(x), constant(x, 'int32', [], [5])],
    expected: [[7, 8], [0, 0, 0], [5]],
  },
  'something empty beside something else': {
    body: (x, y) => [slice(x, [3], [0]), y, add(x, sum(slice(x, [1], [0])))],
    expected: [[], [4, 5, 6], [1, 2, 3]],
  },
  'one of two parameters': { body: (_x, y) => [add(y, 1)], expected: [[5, 6, 7]] },
};

/** Results are new buffers that the caller owns alone, whatever the program returns. */
export function resultCases(): ConformanceCase[] {
  return Object.entries(programs).flatMap(([name, { body, expected }]) =>
    [false, true]
      .map((symbolic) => {
        const type = symbolic ? tensorType('float32', ['n']) : three;
        return conformanceCase('results', `${name}${symbolic ? ', of any length' : ''}`, async ({ backend }) => {
          // A program of unknown length cannot reshape to 3 or slice at 3.
          const program = trace([type, type], (x, y) => (symbolic ? [...generic[name]!(x, y)] : [...body(x, y)]), name);
          const executable = await backend.compile(program);
          const before = backend.memory();
          const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 4, 5, 6)];
          const results = await executable.run([x, y]);
          require(new Set([...results, x, y]).size === results.length + 2, 'a buffer was handed out twice');
          require(backend.memory().buffers ===
            before.buffers +
              2 +
              results.length, `memory() counts ${backend.memory().buffers - before.buffers} buffers instead of ${2 + results.length}`);
          // Nothing that ends takes anything else with it: inputs first, then one result after the other.
          backend.free(x);
          backend.free(y);
          const other = upload(backend, 9, 9, 9);
          for (const [index, numbers] of expected.entries()) {
            await requireNumbers(`result ${index}`, backend, results[index], numbers);
            backend.free(results[index]!);
          }
          backend.free(other);
          executable.dispose();
          requireMemory('after all frees', backend, before);
        });
      })
      .slice(0, generic[name] === undefined ? 1 : 2),
  );
}

/** Those of {@link programs} that can be traced for any length. */
const generic: Readonly<Record<string, Returned['body']>> = {
  'a parameter': programs['a parameter']!.body,
  'two parameters, exchanged': programs['two parameters, exchanged']!.body,
  'a parameter twice': programs['a parameter twice']!.body,
  'a parameter reshaped and detached': (x) => [reshape(x, ['n', 1]), detach(x), reshape(detach(x), [1, 'n'])],
  'a result twice': programs['a result twice']!.body,
};
