// Programs
export {
  add,
  div,
  equal,
  erf,
  exp,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sqrt,
  square,
  sub,
  tanh,
  type Operand,
} from './program/ops/elementwise.ts';
export { argMax, max, sum, type ReductionOptions } from './program/ops/reduce.ts';
export { matmul, type MatmulOptions } from './program/ops/matmul.ts';
export { broadcastTo, concat, reshape, slice, transpose } from './program/ops/layout.ts';
export { gather, segmentSum, type SegmentSumOptions } from './program/ops/indexing.ts';
export { cast, constant, detach, iota, scalar, zeros, zerosLike } from './program/ops/create.ts';
export { trace, type Tensor, type TensorsOf } from './program/trace.ts';
export { composite, type CompositeDefinition } from './program/composite.ts';
export {
  f16,
  f32,
  f64,
  formatType,
  i32,
  tensorType,
  type ConcreteType,
  type Dimension,
  type Shape,
  type TensorType,
} from './program/tensor-type.ts';
export type { DType, FloatDType, TypedArray } from './program/dtype.ts';
export type { Program } from './program/program.ts';
export { formatProgram } from './program/text.ts';

// Differentiation
export { valueAndGrad, type ValueAndGradOptions } from './differentiate/value-and-grad.ts';
export { splitGradient, type SplitGradient } from './differentiate/split-gradient.ts';
export { grad, vjp, vjpProgram } from './differentiate/vjp.ts';

// Composites
export { logSumExp, softmax } from './composite/softmax.ts';
export { layerNorm } from './composite/layer-norm.ts';
export { gelu } from './composite/gelu.ts';
export { l2Normalize } from './composite/l2-normalize.ts';
export { crossEntropy, oneHot } from './composite/cross-entropy.ts';
export { maskedSoftmax } from './composite/masked-softmax.ts';
export { mean, relu } from './composite/mean.ts';

// DDCL
export { assign } from './ddcl/assign.ts';
export { forward } from './ddcl/forward.ts';
export { nearest, type Nearest } from './ddcl/nearest.ts';
export { loss, lossAndGradient, type LossAndGradient, type LossParts } from './ddcl/loss.ts';
export { hessianProduct } from './ddcl/hessian-product.ts';
export { tokenSums, type TokenSums } from './ddcl/token-sums.ts';
export { segmentMass, segmentSums, type SegmentOperands, type SegmentSums } from './ddcl/segments.ts';
export type { DdclOperands, WeightedOperands } from './ddcl/check-operands.ts';

// Optimisers
export { sgd, type SgdOptions } from './optimise/sgd.ts';
export { adam, adamW, type AdamOptions, type AdamWOptions } from './optimise/adam.ts';
export { massPreconditioned } from './optimise/mass-preconditioned.ts';
export type { Optimizer, StepControls, Updated, SlotShape } from './optimise/optimizer.ts';

// Random numbers
export { createRandom, type Random, type Shuffleable } from './random/random.ts';

// Errors
export { DdclError, isDdclError, type DdclErrorCode, type DdclErrorDetails } from './errors/ddcl-error.ts';
