// Fitting
export { fit, fitPrototypes, type FitResult, type FittedPrototypes } from './fit/fit.ts';
export { shareExecutables, type SharedExecutables } from './fit/share-executables.ts';
export { createOnlineFit, type OnlineFit, type OnlineFitOptions } from './fit/online-fit.ts';
export { checkpointIdentity } from './fit/checkpoint.ts';
export { fitDifferences, fitIdentity, type FitIdentity } from './fit/identity.ts';
export type { FitOptions, FitProgress, Refinement } from './fit/options.ts';
export { defaultTokenMemory } from './fit/step-tokens.ts';
export type { HistoryRecord } from './fit/history.ts';
export { defaultBatch, defaultLearningRate, defaultRefinement, defaultSteps } from './fit/schedule.ts';
export { relocate, type Move, type TokenSample } from './relocate/relocate.ts';
export { initialize, type InitializeOptions, type Start } from './initialize/initialize.ts';

// k-means
export { kMeans, type KMeansOptions, type KMeansResult } from './k-means/k-means.ts';

// Tokens
export type { AbortSignalLike } from './abort/abort-signal.ts';
export { firstNonFinite } from './numbers/first-non-finite.ts';
export { kindOf, requireFloats } from './numbers/require-floats.ts';
export { halvesAreFinite } from './numbers/finite-halves.ts';
export type { HalfBlock, PassOrder, TokenBlock, TokenReader, TokenSource } from './tokens/token-source.ts';
export { abortableSource } from './tokens/abortable-source.ts';
export { tokensFromArray } from './tokens/from-array.ts';
export { tokensFromFloat16 } from './tokens/from-float16.ts';
export { tokensFromReader } from './tokens/from-reader.ts';
export { tokensFromIterable, type IterableTokens } from './tokens/from-iterable.ts';
export type { TokenFrame } from './tokens/device-blocks.ts';
export { tokenPass, type TokenPass, type TokenPassOptions } from './pass/token-pass.ts';
export { tokenProgram, type TokenProgram, type TokenResults } from './pass/token-program.ts';
export type {
  BlockResults,
  PassInput,
  PassNumbers,
  PassProgram,
  PassRunOptions,
  PassTotals,
} from './pass/pass-program.ts';
export { createReservoir, type Reservoir, type ReservoirSample } from './tokens/reservoir.ts';

// Statistics, temperature, stability, measurement
export { tokenStatistics, type StatisticsOptions, type TokenStatistics } from './statistics/statistics.ts';
export {
  createMomentAccumulator,
  type MomentAccumulator,
  type MomentOptions,
  type Moments,
} from './linalg/covariance.ts';
export {
  abortableEigenpairs,
  topEigenpairs,
  type TopEigenpairs,
  type TopEigenpairsOptions,
} from './linalg/symmetric-eigen.ts';
export type { SpectrumEnd, SpectrumEstimate } from './linalg/lanczos-process.ts';
export type { RowData } from './linalg/rows.ts';
export { lanczos, type LanczosOptions, type LanczosResult } from './linalg/lanczos.ts';
export { criticalTemperature } from './temperature/critical-temperature.ts';
export { autoTemperatureShare } from './temperature/auto.ts';
export {
  resolveTemperature,
  startTemperatureShare,
  temperatureOf,
  type CriticalShare,
  type GivenTemperature,
  type TemperatureChoice,
} from './temperature/resolve.ts';
export type { Stability } from './stability/stability.ts';
export type { WeakestPrototypes } from './stability/weakest-prototypes.ts';
export { measureStability, measureStabilityOn, type MeasureStabilityOptions } from './stability/measure-stability.ts';
export { settlePrototypes, type SettledPrototypes, type SettleOptions } from './stability/settle-prototypes.ts';
export { measureSource, type MeasurePassOptions, type MeasureSourceOptions } from './measure/measure-source.ts';
export type { MeasuredQuantities } from './measure/measure.ts';
export type { Quantities } from './measure/quantities.ts';
export { prototypeState, type PrototypeState } from './measure/prototype-state.ts';

// Readouts
export {
  assignByKeys,
  attend,
  logitsByKeys,
  normalizedResiduals,
  occupancies,
  paddedSums,
  pooledOutputs,
  positiveWeight,
  residualFloor,
  residuals,
  segmentedSums,
  summaries,
  type ReadoutSums,
  type ReadoutUnits,
} from './ddcl/readout.ts';
export { readoutProgram, type ReadoutProgramOptions } from './encode/readout-program.ts';
export type { NamedProgram } from './program/program.ts';
export { encodeTokens, type EncodedRows, type EncodeOptions } from './encode/encode-tokens.ts';
export { readoutTerms, type ReadoutTerms } from './encode/readout-terms.ts';
export { segmentOutput, type ReadoutFrame } from './encode/segment-output.ts';
export { SegmentAccumulator } from './encode/segment-accumulator.ts';
export { createSegmentFinisher, type SegmentFinisher, type SegmentFinisherOptions } from './encode/segment-finisher.ts';
export { encodeSegments, type EncodeSegmentsOptions } from './encode/encode-segments.ts';
export {
  isSegmentOutput,
  needsTokenSums,
  outputShape,
  outputWidth,
  readoutOutputs,
  segmentOutputs,
  tokenOutputs,
  type ReadoutOutput,
  type SegmentOutput,
  type TokenOutput,
} from './encode/outputs.ts';

// Models
export { preprocessTokens, requirePlainModel, type Preprocessing } from './model/preprocessing.ts';
export { modelFormatVersion, modelFromBytes, modelState, modelToBytes, type DdclModel } from './model/model.ts';
