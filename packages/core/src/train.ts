export { createTrainer, type Report, type StepArguments, type Trainer } from './train/trainer.ts';
export type {
  Batch,
  BatchValue,
  Controls,
  GroupDefinition,
  Initializer,
  Inputs,
  LossContext,
  LossResult,
  ParameterDefinition,
  Parameters,
  Replaced,
  Setting,
  Tensors,
  TrainerOptions,
} from './train/options.ts';
export type { TrainerState } from './train/state.ts';
export { spreadCritical, spreadTypes, spreadVariance, trackSpread } from './train/track-spread.ts';
export type { TemperatureTracking, TrackedTokens } from './train/track-temperature.ts';
export type { Timescale } from './train/timescale.ts';
export {
  batchesFromArrays,
  batchesFromIterable,
  type ArrayBatches,
  type BatchOptions,
  type Example,
} from './train/batches.ts';
export {
  constantInitializer,
  glorotUniform,
  heNormal,
  normalInitializer,
  onesInitializer,
  uniformInitializer,
  zerosInitializer,
  type FanOptions,
} from './train/initializers.ts';
export {
  constantSchedule,
  cosineSchedule,
  geometricSchedule,
  linearSchedule,
  sequenceSchedule,
  type Schedule,
} from './optimise/schedule.ts';
