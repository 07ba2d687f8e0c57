import type { FitOptions, FitProgress } from '@ddcl/core/fit';
import type { Progress } from '../output/progress.ts';

const phases: Record<FitProgress['phase'], { readonly name: string; readonly unit: string }> = {
  statistics: { name: 'reading', unit: 'tokens' },
  fit: { name: 'fitting', unit: 'tokens' },
  settle: { name: 'settling', unit: 'steps' },
  measure: { name: 'measuring', unit: 'tokens' },
  stability: { name: 'stability', unit: 'iterations' },
};

/** Options of a fit by which its progress is shown, with the hard error of the latest record. */
export function showFit(progress: Progress): Required<Pick<FitOptions, 'onProgress' | 'onRecord'>> {
  let detail: string | undefined;
  return {
    onProgress: ({ phase, restart, restarts, done, total }) => {
      const { name, unit } = phases[phase];
      const which = restarts > 1 && phase === 'fit' ? ` ${restart + 1}/${restarts}` : '';
      progress.show({ phase: `${name}${which}`, done, total, unit, detail });
    },
    onRecord: ({ loss }) => {
      detail = `hard error ${Number(loss.hard.toPrecision(4))}`;
    },
  };
}
