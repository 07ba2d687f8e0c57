import { DdclError } from '../errors/ddcl-error.ts';
import type { DdclModel } from '../model/model.ts';

/** @throws DdclError `shape` if tokens have another length than the model's prototypes */
export function requireModelDimension(model: DdclModel, dimension: number): void {
  if (dimension === model.dimension) return;
  throw new DdclError(
    'shape',
    `The model was fitted on tokens of dimension ${model.dimension}, but these have ${dimension}. Give tokens from the same source, with the same columns.`,
  );
}
