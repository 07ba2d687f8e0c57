import type { Quantities } from '../measure/quantities.ts';

/** One line of a fit's history: the state after `step` optimiser steps, on a fixed sample of tokens. */
export interface HistoryRecord extends Quantities {
  /** Number of the restart, from 0. */
  readonly restart: number;
  readonly step: number;
  /** Passes over the tokens so far, with its fraction. */
  readonly epoch: number;
  readonly temperature: number;
  readonly learningRate: number;
}
