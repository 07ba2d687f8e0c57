import type { FitOptions, TokenReader } from '@ddcl/core/fit';
import type { ChosenBackend } from '../backends/choose-backend.ts';
import type { RowLabels } from '../data/row-labels.ts';
import type { ModelConfig } from '../model-folder/model-folder.ts';
import type { FitMeasures } from '../measures/measures.ts';
import type { Progress } from '../output/progress.ts';
import type { Preprocessing } from '../preprocess/preprocessing.ts';
import type { FitReport } from '../report/fit-report.ts';
import type { PhaseSeconds } from './phase-clock.ts';

/** A fit from tokens that are open already to files in a folder. */
export interface FitRun {
  readonly backend: ChosenBackend;
  readonly reader: TokenReader;
  readonly labels: RowLabels | undefined;
  readonly preprocessing: Preprocessing;
  readonly data: ModelConfig['data'];
  /** For a fit on text or token shards. */
  readonly text?: ModelConfig['text'];
  readonly options: Omit<FitOptions, 'onProgress' | 'onCheckpoint' | 'resume' | 'signal'>;
  readonly out: string;
  readonly resume: boolean;
  readonly title: string;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly warn: (warnings: readonly string[]) => void;
  /** Since the command began. */
  readonly seconds: () => number;
}

export interface FitRunResult {
  readonly measures: FitMeasures;
  readonly warnings: readonly string[];
  readonly perClass: FitReport['perClass'];
  /** Why there is no report: the model is whole without it. */
  readonly reportFailure: string | undefined;
  /** Where the time went. */
  readonly phases: PhaseSeconds;
}
