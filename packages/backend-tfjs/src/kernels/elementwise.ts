import { elementCount, sameShape, type ConcreteType, type Kernel, type KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import type { Traits } from '../traits.ts';

type Names =
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'erf'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'less'
  | 'equal'
  | 'select';

// Fitted to the smallest relative error with float64 (Lawson's iteration on Chebyshev nodes), then rounded; lowest power first.
const tanhSmall = [
  1, -0.3333328366279602, 0.13331729173660278, -0.053771842271089554, 0.020763574168086052, -0.005863205064088106,
];
const erfSmall = [
  1.1283791065216064, -0.3761262595653534, 0.11283600330352783, -0.026854444295167923, 0.005189535208046436,
  -0.0008020838140510023, 0.00007889109110692516,
];
const erfcTail = [
  -0.0001575802598381415, 0.28496238589286804, 0.25937899947166443, 0.3488468527793884, -0.1056954562664032,
  0.5657231211662292, -0.4727800488471985, 0.11977778375148773,
];

/** One function for each op that works element by element. */
export function elementwiseKernels(tf: Tfjs, traits: Traits): Pick<KernelTable<TfTensor>, Names> {
  const unary =
    (f: (x: TfTensor) => TfTensor): Kernel<TfTensor, unknown> =>
    ([x]) =>
      f(x!);
  const binary =
    (f: (a: TfTensor, b: TfTensor) => TfTensor): Kernel<TfTensor, unknown> =>
    ([a, b]) =>
      f(a!, b!);

  const polynomial = (x: TfTensor, coefficients: readonly number[]): TfTensor =>
    coefficients
      .slice(0, -1)
      .reduceRight<TfTensor>((rest, value) => tf.add(tf.mul(rest, x), value), tf.scalar(coefficients.at(-1)!));
  const sizeOf = (x: TfTensor, most: number): TfTensor => tf.minimum(tf.maximum(x, tf.neg(x)), most);
  const withSign = (x: TfTensor, size: TfTensor): TfTensor => tf.where(tf.less(x, 0), tf.neg(size), size);

  /** Within 8 ulp: next to 0 a polynomial, beyond it exponentials; no argument of `exp` can overflow. */
  const tanh = (x: TfTensor): TfTensor => {
    const size = sizeOf(x, 10);
    const far = tf.sub(1, tf.div(2, tf.add(tf.exp(tf.mul(size, 2)), 1)));
    return tf.where(tf.less(size, 0.6), tf.mul(x, polynomial(tf.mul(size, size), tanhSmall)), withSign(x, far));
  };
  /** Within 8 ulp: e^(-x^2) times a polynomial in 2 / (|x| + 2) beyond 1. tfjs's own `erf` is off by up to 1.5e-7 next to 0. */
  const erf = (x: TfTensor): TfTensor => {
    const size = sizeOf(x, 4);
    const square = tf.mul(size, size);
    const tail = polynomial(tf.div(2, tf.add(size, 2)), erfcTail);
    const far = tf.sub(1, tf.mul(tf.exp(tf.neg(square)), tail));
    return tf.where(tf.less(size, 1), tf.mul(x, polynomial(square, erfSmall)), withSign(x, far));
  };

  /** The low 32 bits of a product, with no factor product above 2^48: a = 2^16 high + low. */
  const wrappedProduct = (a: TfTensor, b: TfTensor): TfTensor => {
    const half = tf.scalar(2 ** 16, 'int32');
    const high = tf.floorDiv(a, half);
    const low = tf.sub(a, tf.mul(high, half));
    return tf.add(tf.mul(tf.mul(high, b), half), tf.mul(low, b));
  };
  const isWhole = ({ dtype }: ConcreteType): boolean => dtype === 'int32';

  return lowRank(tf, {
    // Its own negation of int32 goes by way of float32 on some backends.
    neg: ([x], { outputType }) => (isWhole(outputType) ? tf.sub(tf.scalar(0, 'int32'), x!) : tf.neg(x!)),
    exp: unary(tf.exp),
    log: unary(tf.log),
    sqrt: unary(tf.sqrt),
    tanh: unary(traits.roughTanh ? tanh : tf.tanh),
    erf: unary(erf),
    add: binary(tf.add),
    sub: binary(tf.sub),
    mul: ([a, b], { outputType }) =>
      traits.roundsProducts && isWhole(outputType) ? wrappedProduct(a!, b!) : tf.mul(a!, b!),
    div: binary(tf.div),
    maximum: binary(tf.maximum),
    minimum: binary(tf.minimum),
    less: binary((a, b) => tf.cast(tf.less(a, b), 'int32')),
    equal: binary((a, b) => tf.cast(tf.equal(a, b), 'int32')),
    // A cast to bool keeps the low 8 bits only on some backends.
    select: ([condition, a, b]) => tf.where(tf.notEqual(condition!, tf.scalar(0, 'int32')), a!, b!),
  });
}

/** Up to here all backends of tfjs stretch operands; wasm takes wrong elements at eight axes, without an error. */
const mostAxes = 5;

/** Element by element it does not matter what the axes were: tensors of more than {@link mostAxes} become vectors, stretched before. */
function lowRank<Table extends Pick<KernelTable<TfTensor>, Names>>(tf: Tfjs, kernels: Table): Table {
  const entries = Object.entries(kernels).map(([op, kernel]) => {
    const run = kernel as Kernel<TfTensor, unknown>;
    const low: Kernel<TfTensor, unknown> = (inputs, call) => {
      const { shape } = call.outputType;
      if (shape.length <= mostAxes) return run(inputs, call);
      const vectors = inputs.map((x) =>
        tf.reshape(sameShape(x.shape, shape) ? x : tf.broadcastTo(x, [...shape]), [elementCount(shape)]),
      );
      return tf.reshape(run(vectors, call), [...shape]);
    };
    return [op, low];
  });
  return Object.fromEntries(entries) as Table;
}
