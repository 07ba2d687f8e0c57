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
export { trace, type Tensor } from './program/trace.ts';
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
export type { CompositeInstruction, Instruction, PrimitiveInstruction, Program, ValueId } from './program/program.ts';
export { formatProgram } from './program/text.ts';
export { programCost, type ProgramCost } from './program/cost.ts';
export { equalPrograms, programKey } from './program/key.ts';
export { specialise, type Bindings } from './program/specialise.ts';
export { expandComposites } from './program/expand.ts';

// Differentiation
export { valueAndGrad, type ValueAndGradOptions } from './differentiate/value-and-grad.ts';
export { grad, vjp, vjpProgram } from './differentiate/vjp.ts';

// Composites
export { logSumExp, softmax } from './composite/softmax.ts';
export { layerNorm } from './composite/layer-norm.ts';
export { gelu } from './composite/gelu.ts';

// DDCL
export { assign, forward } from './ddcl/assign.ts';
export { loss, lossAndGradient, type LossAndGradient, type LossParts } from './ddcl/loss.ts';
export { hessianProduct } from './ddcl/hessian-product.ts';
export { tokenSums, type TokenSums } from './ddcl/token-sums.ts';
export { segmentMass, segmentSums, type SegmentOperands, type SegmentSums } from './ddcl/segments.ts';
export type { DdclOperands, WeightedOperands } from './ddcl/check-operands.ts';

// Optimisers and schedules
export { sgd, type SgdOptions } from './optimise/sgd.ts';
export { adam, adamW, type AdamOptions, type AdamWOptions } from './optimise/adam.ts';
export {
  updateGroups,
  type Optimizer,
  type ParameterGroup,
  type StepControls,
  type Updated,
} from './optimise/optimizer.ts';
export {
  constantSchedule,
  cosineSchedule,
  geometricSchedule,
  linearSchedule,
  sequenceSchedule,
  type Schedule,
} from './optimise/schedule.ts';

// Tokens
export { firstNonFinite } from './tokens/first-non-finite.ts';
export { halvesAreFinite } from './tokens/finite-halves.ts';
export type { HalfBlock, PassOrder, TokenBlock, TokenReader, TokenSource } from './tokens/token-source.ts';
export { tokensFromArray } from './tokens/from-array.ts';
export { tokensFromFloat16 } from './tokens/from-float16.ts';
export { tokensFromReader } from './tokens/from-reader.ts';
export { tokensFromIterable, type IterableTokens } from './tokens/from-iterable.ts';
export { tokenStatistics, type StatisticsOptions, type TokenStatistics } from './tokens/statistics.ts';
export type { TokenFrame } from './tokens/device-blocks.ts';

// Temperature, stability, measurement
export { criticalTemperature } from './temperature/critical-temperature.ts';
export {
  autoTemperatureShare,
  resolveTemperature,
  startTemperatureShare,
  type TemperatureChoice,
} from './temperature/resolve.ts';
export { hessianStability, type Stability } from './stability/stability.ts';
export { measureStability, measureStabilityOn, type MeasureStabilityOptions } from './stability/measure-stability.ts';
export { measureSource, type MeasureSourceOptions } from './measure/measure-source.ts';
export type { MeasuredQuantities } from './measure/measure.ts';
export { prototypeState, type PrototypeState } from './measure/prototype-state.ts';

// Fitting
export { fit, type FitResult } from './fit/fit.ts';
export { createOnlineFit, type OnlineFit, type OnlineFitOptions } from './fit/online-fit.ts';
export type { EarlyStop, FitOptions, FitProgress } from './fit/options.ts';
export type { HistoryRecord, Quantities } from './fit/history.ts';
export { defaultBatch, defaultLearningRate, defaultSteps } from './fit/schedule.ts';
export { relocate, type Move, type TokenSample } from './relocate/relocate.ts';
export { initialise, type InitialiseOptions, type Start } from './initialise/initialise.ts';

// Encoding
export { encodeTokens, type EncodedRows, type EncodeOptions, type TokenOutput } from './encode/encode-tokens.ts';
export { encodeSegments } from './encode/encode-segments.ts';
export type { SegmentOutput } from './encode/finish-segment.ts';

// Models
export { modelFormatVersion, modelFromBytes, modelState, modelToBytes, type DdclModel } from './model/model.ts';
export { readSafetensors, viewSafetensor, type SafetensorsFile } from './safetensors/read-safetensors.ts';
export { writeSafetensors } from './safetensors/write-safetensors.ts';
export {
  parseSafetensorsHeader,
  safetensorsHeaderLength,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from './safetensors/header.ts';
export { safetensorsToFloat32, type SafetensorsData, type SafetensorsTensor } from './safetensors/tensor.ts';
export { fromFloat16, largestFloat16, toFloat16 } from './safetensors/float16.ts';
export type { SafetensorsDType } from './safetensors/dtypes.ts';

// Metrics
export { clusteringAccuracy, matchClusters, type ClusterMatch } from './metrics/clustering-accuracy.ts';
export { normalisedMutualInformation, mutualInformation } from './metrics/mutual-information.ts';
export { adjustedRandIndex } from './metrics/adjusted-rand.ts';
export { recallFromTable, recallPerClass, type ClassRecall } from './metrics/recall.ts';
export {
  contingency,
  contingencyCounter,
  type ContingencyCounter,
  type ContingencyTable,
  type Label,
  type Labels,
} from './metrics/contingency.ts';
export { averagePrecision, discountedGain, normalisedDiscountedGain, precisionAt } from './metrics/ranking.ts';
export { separation, type Separation } from './metrics/separation.ts';
export { distinctPrototypes } from './metrics/distinct.ts';
export { entropy, perplexity } from './metrics/perplexity.ts';

// Numbers
export { createRandom, restoreRandom, type Random, type RandomState } from './random/random.ts';
export { createReservoir, type Reservoir, type ReservoirSample } from './random/reservoir.ts';
export { createMomentAccumulator, type MomentAccumulator, type Moments } from './linalg/covariance.ts';
export { topEigenpairs, type TopEigenpairs } from './linalg/symmetric-eigen.ts';
export { lanczos, type LanczosOptions, type LanczosResult } from './linalg/lanczos.ts';

// Errors
export { DdclError, isDdclError, type DdclErrorCode, type DdclErrorDetails } from './errors/ddcl-error.ts';
