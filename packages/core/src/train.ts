export { createTrainer, type Report, type StepArguments, type Trainer } from './train/trainer.ts';
export type {
  Batch,
  BatchValue,
  Controls,
  GroupDefinition,
  Initialiser,
  Inputs,
  LossContext,
  LossResult,
  ParameterDefinition,
  Parameters,
  Setting,
  Tensors,
  TrainerOptions,
} from './train/options.ts';
export type { TrainerState } from './train/state.ts';
export type { TemperatureTracking, TrackedTokens } from './train/track-temperature.ts';
