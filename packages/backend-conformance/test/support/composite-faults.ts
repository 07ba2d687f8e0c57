import { type ConcreteType, elementCount } from '@ddcl/core/backend';
import { lossGradientOf } from '../../src/oracle/ddcl-gradients.ts';
import { assignmentsOf, rowsOf, squaredDistance, sumsOf } from '../../src/oracle/ddcl.ts';
import type { RefTensor } from '../../src/oracle/tensor.ts';
import type { Fault } from './fault.ts';
import { withComposite } from './faulty.ts';

const rowsAndColumns = ({ shape }: ConcreteType): [number, number] => {
  const columns = shape.at(-1)!;
  return [elementCount(shape) / columns, columns];
};

/** A composite kernel over rows of the last axis. */
function overRows(f: (row: number[]) => number[]) {
  return ([x]: readonly RefTensor[], { inputTypes }: { readonly inputTypes: readonly ConcreteType[] }): RefTensor[] => {
    const [rows, columns] = rowsAndColumns(inputTypes[0]!);
    const numbers = Array.from({ length: rows }, (_, row) =>
      f(Array.from(x!.data.subarray(row * columns, (row + 1) * columns))),
    );
    const data = Float64Array.from(numbers.flat(), x!.dtype === 'float32' ? Math.fround : undefined);
    return [{ dtype: x!.dtype, data }];
  };
}

const total = (row: readonly number[]): number => row.reduce((sum, each) => sum + each, 0);

/** Kernels of composites that overflow, cancel, or forget an operand. */
export const compositeFaults: Readonly<Record<string, Fault>> = {
  'softmax overflows on large logits': {
    make: withComposite('softmax/1', (inputs, call) =>
      call.attributes['axis'] === call.inputTypes[0]!.shape.length - 1
        ? overRows((row) => row.map((each) => Math.exp(each) / total(row.map(Math.exp))))(inputs, call)
        : overRows((row) => row)(inputs, call),
    ),
    caughtBy: 'magnitude',
    op: 'softmax/1',
    says: /softmax\/1\(f32\[4,\d+\]\).*got NaN \(Infinity times/,
  },
  'logSumExp subtracts no maximum': {
    make: withComposite(
      'logSumExp/1',
      overRows((row) => [Math.log(total(row.map(Math.exp)))]),
    ),
    caughtBy: 'magnitude',
    op: 'logSumExp/1',
    says: /got Infinity/,
  },
  'layerNorm takes the variance as E[x^2] - E[x]^2 in float32': {
    make: withComposite('layerNorm/1', ([x, gain, bias], call) => {
      const epsilon = call.attributes['epsilon'] as number;
      const f = Math.fround;
      return overRows((row) => {
        const mean = f(row.reduce((sum, each) => f(sum + each), 0) / row.length);
        const squares = f(row.reduce((sum, each) => f(sum + f(each * each)), 0) / row.length);
        const deviation = Math.sqrt(Math.max(0, f(squares - f(mean * mean))) + epsilon);
        return row.map((each, index) => ((each - mean) / deviation) * gain!.data[index]! + bias!.data[index]!);
      })([x!], call);
    }),
    caughtBy: 'magnitude',
    op: 'layerNorm/1',
    says: /layerNorm\/1\(f32\[4,\d+\]/,
  },
  'weights are ignored': {
    make: withComposite('ddcl.loss/1', ([tokens, weights, prototypes, temperature], { inputTypes }) => {
      const m = inputTypes[0]!.shape[1]!;
      const { lq, lols, v } = sumsOf({
        tokens: rowsOf(tokens!.data, m),
        weights: Array.from(weights!.data, () => 1),
        prototypes: rowsOf(prototypes!.data, m),
        temperature: temperature!.data[0]!,
      });
      return [lq, lols, v].map((each) => ({ dtype: tokens!.dtype, data: Float64Array.of(each) }));
    }),
    caughtBy: 'weights',
    op: 'ddcl.loss/1',
    says: /ddcl\.loss\/1\(f32\[65,3\]/,
  },
  'a tie goes to the last of the nearest': {
    make: withComposite('ddcl.nearest/1', ([tokens, prototypes], { inputTypes, outputTypes }) => {
      const m = inputTypes[0]!.shape[1]!;
      const rows = rowsOf(prototypes!.data, m);
      const found = rowsOf(tokens!.data, m).map((z) =>
        rows
          .map((p, index) => ({ index, distance: squaredDistance(z, p) }))
          .sort((a, b) => a.distance - b.distance || b.index - a.index)
          .slice(0, outputTypes[0]!.shape[1]),
      );
      return [
        { dtype: 'int32', data: Float64Array.from(found.flat(), ({ index }) => index) },
        { dtype: tokens!.dtype, data: Float64Array.from(found.flat(), ({ distance }) => distance) },
      ];
    }),
    caughtBy: 'ties',
    op: 'ddcl.nearest/1',
    says: /ddcl\.nearest\/1 with equal prototypes/,
  },
  'the gradient of V is left out': {
    make: withComposite('ddcl.lossGradient/1', (inputs, { inputTypes }) => {
      const [tokens, weights, prototypes, temperature, onLq, onLols] = inputs;
      const m = inputTypes[0]!.shape[1]!;
      const problem = {
        tokens: rowsOf(tokens!.data, m),
        weights: Array.from(weights!.data),
        prototypes: rowsOf(prototypes!.data, m),
        temperature: temperature!.data[0]!,
      };
      const flowing = lossGradientOf(problem, [onLq!.data[0]!, onLols!.data[0]!, 0]);
      return [flowing.tokens.flat(), flowing.weights, flowing.prototypes.flat(), [flowing.temperature]].map((each) => ({
        dtype: tokens!.dtype,
        data: Float64Array.from(each),
      }));
    }),
    caughtBy: 'ddcl',
    op: 'ddcl.lossGradient/1',
    says: /ddcl\.lossGradient\/1/,
  },
  'assignments forget 1 / T': {
    make: withComposite('ddcl.assign/1', ([tokens, prototypes], { inputTypes }) => {
      const m = inputTypes[0]!.shape[1]!;
      const problem = {
        tokens: rowsOf(tokens!.data, m),
        prototypes: rowsOf(prototypes!.data, m),
        weights: [],
        temperature: 1,
      };
      return [{ dtype: tokens!.dtype, data: Float64Array.from(assignmentsOf(problem).flat()) }];
    }),
    caughtBy: 'ddcl',
    op: 'ddcl.assign/1',
    says: /ddcl\.assign\/1/,
  },
};
