import type { HistoryRecord } from '@ddcl/core/fit';

/** The quantities of docs/math.md section 2 of one level at one moment, per item, in the items' own units. */
export interface LevelQuantities {
  readonly level: string;
  /** Passes over the level's items so far, with its fraction. */
  readonly epoch: number;
  /** Whether all levels move together. */
  readonly joint: boolean;
  readonly lq: number;
  readonly lols: number;
  /** >= 0. */
  readonly v: number;
  /** `|lq - lols - v| / lq`: rounding only. */
  readonly defect: number;
  /** Mean squared distance to the nearest prototype. */
  readonly hard: number;
  readonly temperature: number;
  /** T / T_c. */
  readonly temperatureShare: number;
  /** Share of prototypes that are nearest to an item. */
  readonly use: number;
  /** Prototypes left after joining those closer than 5 % of the items' deviation. */
  readonly distinct: number;
}

/** What a fit's history says of a level. */
export function levelQuantities(
  level: string,
  joint: boolean,
  critical: number,
  {
    loss,
    epoch,
    temperature,
    used,
    distinct,
  }: Pick<HistoryRecord, 'loss' | 'epoch' | 'temperature' | 'used' | 'distinct'>,
): LevelQuantities {
  const { lq, lols, v, defect, hard } = loss;
  const temperatureShare = temperature / critical;
  return { level, epoch, joint, lq, lols, v, defect, hard, temperature, temperatureShare, use: used, distinct };
}
