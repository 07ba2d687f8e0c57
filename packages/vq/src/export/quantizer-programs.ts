import {
  add,
  cast,
  concat,
  constant,
  DdclError,
  f32,
  gather,
  i32,
  less,
  mul,
  reshape,
  select,
  slice,
  sub,
  trace,
  zeros,
  type Dimension,
  type Program,
  type Tensor,
} from '@ddcl/core';
import type { NamedProgram } from '@ddcl/core/fit';
import { requireArgument, requireWhole } from '../checks/require.ts';
import { appliedTensors, assignCodes } from '../part/assign.ts';
import { joinSlices } from '../part/slices.ts';
import { projectOut } from '../part/projection.ts';
import { levelNumbers, levelScale } from '../quantizers/fsq.ts';
import { signScale } from '../quantizers/lfq.ts';
import { bookOf, codesPerVector, tensorName } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { hasCodes } from '../state/codebooks.ts';
import { requireState, type QuantizerState } from '../state/state.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** The state's numbers as constants of a trace. */
export function constantTensors(scope: Tensor, spec: ResolvedSpec, state: QuantizerState): Tensors {
  return Object.fromEntries(
    appliedTensors(spec, state).map(({ name, type, data }) => [name, constant(scope, 'float32', type.shape, data)]),
  );
}

/** What a symbol cannot stand for: rows that are reshaped to others. */
export function requireRows(spec: ResolvedSpec, n: Dimension): void {
  if (typeof n !== 'string') requireWhole('n', n, 1);
  if (typeof n === 'number' || !spec.sharedHeads) return;
  throw new DdclError(
    'argument',
    `Heads that share a codebook are exported for a known number of vectors, but n is '${n}'. Give a number.`,
  );
}

/**
 * Vectors to codes as a program of its own, with the state's numbers in it: `vectors` [n, m] to `indices` int32 [n, H D].
 *
 * @param n vectors, or a symbol that is bound when it runs. Default `n`
 * @param before what is done to vectors [n, m] first, as it was before the fit
 * @throws DdclError `argument` for heads that share a codebook where n is a symbol
 */
export function encoderProgram(
  state: QuantizerState,
  n: Dimension = 'n',
  before: (vectors: Tensor) => Tensor = (vectors) => vectors,
): NamedProgram {
  const spec = requireState(state);
  requireRows(spec, n);
  requireArgument('before', before, typeof before === 'function', 'a function of vectors');
  const program = trace(
    [f32(n, spec.dimension)],
    (z) => {
      const ones = add(zeros(z, f32(n)), 1);
      return [assignCodes(spec, constantTensors(z, spec, state), before(z), ones).indices];
    },
    'encode',
  );
  return named(program, ['vectors'], ['indices'], spec);
}

/**
 * Codes to vectors as a program of its own: `indices` int32 [n, H D] to `vectors` [n, m], with which `after` is done. As {@link encoderProgram}. An index that
 * is no code is one that a lookup has no row for, which runtimes such as ONNX Runtime on CPUs refuse when they run it.
 */
export function decoderProgram(
  state: QuantizerState,
  n: Dimension = 'n',
  after: (vectors: Tensor) => Tensor = (vectors) => vectors,
): NamedProgram {
  const spec = requireState(state);
  requireRows(spec, n);
  requireArgument('after', after, typeof after === 'function', 'a function of vectors');
  const program = trace(
    [i32(n, codesPerVector(spec))],
    (indices) => {
      const scope = cast(indices, 'float32');
      return [after(vectorsOf(spec, constantTensors(scope, spec, state), indices, n))];
    },
    'decode',
  );
  return named(program, ['indices'], ['vectors'], spec);
}

function named(program: Program, inputs: string[], outputs: string[], { kind }: ResolvedSpec): NamedProgram {
  return { program, inputs, outputs, metadata: { 'ddcl.quantizer': kind } };
}

/** Vectors [n, m] of codes [n, H D]. */
function vectorsOf(spec: ResolvedSpec, tensors: Tensors, indices: Tensor, n: Dimension): Tensor {
  const { heads, depth, sharedHeads, codeDimension: c } = spec;
  const perHead = Array.from({ length: heads }, (_, head) => {
    const levels = Array.from({ length: depth }, (_each, level) => {
      const own = withoutNegative(reshape(slice(indices, [0, head * depth + level], [n, 1]), [n]), spec.codes);
      if (!hasCodes(spec)) return computedCode(spec, own, level);
      const book = bookOf(spec, { slice: sharedHeads ? 0 : head, level });
      return gather(tensors[tensorName('codes', book)]!, own);
    });
    return levels.reduce((sum, each) => add(sum, each));
  });
  // Heads side by side, whether they share a codebook or not.
  const joined = joinSlices({ ...spec, sharedHeads: false }, perHead, n);
  return projectOut(spec, tensors, reshape(joined, [n, heads * c]));
}

/** Negative indices as K, which is out of range: ONNX counts them from the end, and a code -1 would be the last one. */
const withoutNegative = (indices: Tensor, codes: number): Tensor =>
  select(less(indices, 0), constant(indices, 'int32', [], [codes]), indices);

/**
 * The vector of a code of a kind without a codebook: its digits from the most significant on, each by how many multiples of its place fit, and looked up
 * among the values of its component. For K or more the first digit is one that has no value.
 */
function computedCode(spec: ResolvedSpec, index: Tensor, level: number): Tensor {
  const isFsq = spec.kind === 'fsq';
  const bits = spec.codeDimension;
  const { basis, origin, scale } = levelNumbers(spec);
  const units = isFsq ? levelScale(spec, level) : new Array<number>(bits).fill(signScale(level));
  const columns: Tensor[] = [];
  const whole = (value: number): Tensor => constant(index, 'int32', [], [value]);
  let left = index;
  for (let place = 0; place < bits; place++) {
    // The last component of `fsq` is the most significant, and the first of `lfq`.
    const axis = isFsq ? bits - 1 - place : place;
    const step = isFsq ? basis[axis]! : 2 ** (bits - 1 - place);
    const count = isFsq ? spec.levels[axis]! : 2;
    const values = Array.from({ length: count }, (_, digit) =>
      isFsq
        ? Math.fround((digit - origin[axis]!) / scale[axis]!) * Math.fround(units[axis]!)
        : (2 * digit - 1) * units[axis]!,
    );
    let digit = less(whole(step - 1), left);
    for (let times = 2; times < count + (place === 0 ? 1 : 0); times++)
      digit = add(digit, less(whole(times * step - 1), left));
    left = sub(left, mul(digit, whole(step)));
    columns[axis] = gather(constant(index, 'float32', [count, 1], values), digit);
  }
  return concat(columns, 1);
}
