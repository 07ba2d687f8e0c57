import { backendFromKernels, elementCount, type ConcreteType } from '@ddcl/core/backend';
import { rowsOf } from '../../src/oracle/ddcl.ts';
import { strictOptions, type StrictBackend } from '../../src/strict/strict-backend.ts';
import type { Fault } from './fault.ts';
import { correct, withKernel } from './faulty.ts';

const matrix = (type: ConcreteType): boolean => type.shape.length === 2;

const total = (row: readonly number[]): number => row.reduce((sum, each) => sum + each, 0);

/** Kernels that are wrong for some operands only: most of them pass a test with one small matrix. */
export const kernelFaults: Readonly<Record<string, Fault>> = {
  'sum forgets what is beyond 64': {
    make: withKernel('sum', ([x], call, right) => {
      const { shape } = call.inputTypes[0]!;
      return shape.length === 1 && shape[0]! > 64 ? [total(Array.from(x!.data.subarray(0, 64)))] : right;
    }),
    caughtBy: 'primitive',
    op: 'sum',
    says: /sum\(f32\[65\]\) -> \(f32\[\]\): result 0 f32\[\] \[\]: expected .* times the tolerance of .*1 of 1 elements wrong/,
  },
  'argMax takes the last of a tie': {
    make: withKernel('argMax', ([x], call, right) => {
      const { shape } = call.inputTypes[0]!;
      if (shape.length !== 2 || call.attributes.axis !== 1) return right;
      return rowsOf(x!.data, shape[1]!).map((row) => row.lastIndexOf(Math.max(...row)));
    }),
    caughtBy: 'ties',
    op: 'argMax',
    says: /argMax\(f32\[3,\d+\]\) -> \(i32\[3\]\): result 0 i32\[3\] \[0\]: expected 0, got \d+ \(no error is allowed\)/,
  },
  'max starts at 0': {
    make: withKernel('max', (_inputs, _call, right) => right.map((each) => Math.max(0, each))),
    caughtBy: 'primitive',
    op: 'max',
    says: /max\(f32\[2,1\]\)/,
  },
  'less is less or equal': {
    make: withKernel('less', ([a, b], { inputTypes: [typeA, typeB] }, right) =>
      right.map((each, index) =>
        typeA!.shape.join() === typeB!.shape.join() && a!.data[index] === b!.data[index] ? 1 : each,
      ),
    ),
    caughtBy: 'ties',
    op: 'maximum',
    says: /the gradient of maximum/,
  },
  'tanh goes through exp(2 x)': {
    make: withKernel('tanh', ([x]) => x!.data.map((each) => (Math.exp(2 * each) - 1) / (Math.exp(2 * each) + 1))),
    caughtBy: 'magnitude',
    op: 'tanh',
    says: /expected 1, got NaN/,
  },
  'exp is good to five digits': {
    make: withKernel('exp', (_inputs, _call, right) => right.map((each) => each * (1 + 1e-5))),
    caughtBy: 'primitive',
    op: 'exp',
    says: /exp\(f32\[3\]\).* times the tolerance of/,
  },
  'erf is the approximation of Abramowitz and Stegun': {
    make: withKernel('erf', ([x]) =>
      x!.data.map((each) => {
        const t = 1 / (1 + 0.3275911 * Math.abs(each));
        const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
        return Math.sign(each) * (1 - poly * Math.exp(-each * each));
      }),
    ),
    caughtBy: 'primitive',
    op: 'erf',
    says: /erf\(f64/,
  },
  'matmul ignores transposeB for square matrices': {
    make: withKernel('matmul', (inputs, call, right) => {
      const [, b] = call.inputTypes;
      const square = matrix(b!) && b!.shape[0] === b!.shape[1] && call.attributes.transposeB;
      return square
        ? correct('matmul', inputs, { ...call, attributes: { ...call.attributes, transposeB: false } })
        : right;
    }),
    caughtBy: 'primitive',
    op: 'matmul',
    says: /matmul\(f32\[4,4\], f32\[4,4\]\) -> \(f32\[4,4\]\)/,
  },
  'a first operand [1, n] is broadcast by its first element': {
    make: withKernel('add', ([a, b], { inputTypes: [typeA, typeB], outputType }, right) => {
      if (typeA!.shape.length !== 2 || typeA!.shape[0] !== 1 || typeB!.shape[0] === 1) return right;
      return Array.from(right, (_, index) => a!.data[0]! + b!.data[index]!).slice(0, elementCount(outputType.shape));
    }),
    caughtBy: 'broadcasting',
    op: 'add',
    says: /add\(f32\[1,3\], f32\[4,3\]\)/,
  },
  'select takes only positive conditions for true': {
    make: withKernel('select', ([c, a, b], { inputTypes: [typeC, typeA, typeB] }, right) =>
      typeC!.shape.join() === typeA!.shape.join() && typeA!.shape.join() === typeB!.shape.join()
        ? right.map((_, index) => (c!.data[index]! > 0 ? a!.data[index]! : b!.data[index]!))
        : right,
    ),
    caughtBy: 'primitive',
    op: 'select',
    says: /select\(i32\[3\], f32\[3\], f32\[3\]\)/,
  },
  'cast rounds instead of cutting': {
    make: withKernel('cast', ([x], { outputType: { dtype } }, right) =>
      dtype === 'int32' ? x!.data.map(Math.round) : right,
    ),
    caughtBy: 'magnitude',
    op: 'cast',
    says: /expected 0, got 1 |expected 1, got 2 /,
  },
  'the smallest numbers of half precision are taken for zero': {
    make: withKernel('cast', ([x], { inputTypes: [type] }, right) =>
      type!.dtype === 'float16' ? x!.data.map((value) => (Math.abs(value) < 2 ** -14 ? 0 : value)) : right,
    ),
    caughtBy: 'primitive',
    op: 'cast',
    says: /cast\(f16\[63488\]\).*expected/,
  },
  'products of int32 go through floats': {
    make: withKernel('mul', ([a, b], { inputTypes: [typeA, typeB], outputType }, right) =>
      outputType.dtype === 'int32' && typeA!.shape.join() === typeB!.shape.join()
        ? right.map((_, index) => Math.fround(a!.data[index]! * b!.data[index]!))
        : right,
    ),
    caughtBy: 'magnitude',
    op: 'mul',
    says: /mul\(i32\[8\], i32\[8\]\)/,
  },
  'equal of int32 goes through float32': {
    make: withKernel('equal', ([a, b], { inputTypes: [typeA, typeB] }, right) =>
      typeA!.dtype === 'int32' && typeA!.shape.join() === typeB!.shape.join()
        ? right.map((_, index) => Number(Math.fround(a!.data[index]!) === Math.fround(b!.data[index]!)))
        : right,
    ),
    caughtBy: 'magnitude',
    op: 'equal',
    says: /equal\(i32\[8\], i32\[8\]\).*expected 0, got 1/,
  },
  'gather never reaches the last row': {
    make: withKernel('gather', ([x, rows], call) => {
      const last = Math.max(0, call.inputTypes[0]!.shape[0]! - 2);
      return correct('gather', [x!, { dtype: 'int32', data: rows!.data.map((row) => Math.min(row, last)) }], call);
    }),
    caughtBy: 'primitive',
    op: 'gather',
    says: /gather\(f32/,
  },
  'an empty segment is NaN': {
    make: withKernel('segmentSum', ([, ids], { outputType }, right) => {
      const width = elementCount(outputType.shape.slice(1));
      const met = new Set(ids!.data);
      return outputType.dtype === 'int32'
        ? right
        : right.map((each, index) => (met.has(Math.floor(index / width)) ? each : NaN));
    }),
    caughtBy: 'weights',
    op: 'segmentSum',
    says: /segmentSum\(f32\[1,2\], i32\[1\]\).*expected 0, got NaN \(no error is allowed\)/,
  },
  'segmentSum takes all ids for sorted': {
    make: withKernel('segmentSum', ([x, ids], call) => {
      const highest = ids!.data.map((_, index) => Math.max(...ids!.data.subarray(0, index + 1)));
      return correct('segmentSum', [x!, { dtype: 'int32', data: highest }], call);
    }),
    caughtBy: 'primitive',
    op: 'segmentSum',
    says: /segmentSum\(f32\[/,
  },
  'slice forgets where the last axis starts': {
    make: withKernel('slice', (inputs, call) =>
      correct('slice', inputs, {
        ...call,
        attributes: { ...call.attributes, starts: [...call.attributes.starts.slice(0, -1), 0] },
      }),
    ),
    caughtBy: 'primitive',
    op: 'slice',
    says: /slice\(f32/,
  },
  'transpose permutes the wrong way round': {
    make: withKernel('transpose', ([x], { attributes: { permutation }, inputTypes: [type], outputType }) => {
      const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
      const shape = inverse.map((axis) => type!.shape[axis]!);
      return correct('transpose', [x!], {
        attributes: { permutation: inverse },
        inputTypes: [type!],
        outputType: { dtype: outputType.dtype, shape },
      });
    }),
    caughtBy: 'primitive',
    op: 'transpose',
    says: /transpose\(f32\[2,3,3\]\)/,
  },
  'iota counts along the last axis always': {
    make: withKernel('iota', (_inputs, { outputType: { shape } }, right) =>
      right.map((_, index) => index % shape.at(-1)!),
    ),
    caughtBy: 'primitive',
    op: 'iota',
    says: /iota/,
  },
  'the derivative of a matrix product sees a zero where n is 1': {
    make: withKernel('matmul', (_inputs, { attributes: { transposeA }, inputTypes: [typeA] }, right) =>
      transposeA && typeA!.shape[0] === 1 ? right.map(() => 0) : right,
    ),
    caughtBy: 'gradient',
    op: 'ddcl.forward/1',
    says: /gradient of ddcl\.forward\/1/,
  },
  'float64 is computed in float32': {
    make: withKernel('mul', (_inputs, { outputType: { dtype } }, right) =>
      dtype === 'float64' ? right.map(Math.fround) : right,
    ),
    caughtBy: 'primitive',
    op: 'mul',
    says: /mul\(f64/,
  },
  'a native tensor per run is never released': {
    make: () => {
      const { options, log } = strictOptions();
      let released = 0;
      const release: typeof options.release = (native, type) => {
        if (++released % 3 !== 0) options.release(native, type);
      };
      return { ...backendFromKernels({ ...options, release }), log } as StrictBackend;
    },
    caughtBy: 'memory',
    options: { nativeTensors: (backend) => (backend as StrictBackend).log.alive.size },
    says: /native tensors more than before/,
  },
};
