import { DdclError } from '@ddcl/core';
import type { DdclLayer } from './ddcl-layer.ts';

/** What of a layer is no number any more after an epoch, and what to do; undefined where all are. */
export async function lostNumbers(
  layer: DdclLayer,
  { epoch, lq, loss }: { readonly epoch: number; readonly lq: number | undefined; readonly loss: number | undefined },
): Promise<string | undefined> {
  const codebooks = await layer.readPrototypes();
  const dimension = layer.codeDimension;
  const rows = codebooks.flatMap((codes) =>
    Array.from({ length: codes.length / dimension }, (_, row) =>
      codes.subarray(row * dimension, (row + 1) * dimension),
    ),
  );
  const lost = rows.filter((row) => !row.every(Number.isFinite)).length;
  const isLost = (value: number | undefined): boolean => value !== undefined && !Number.isFinite(value);
  const found = [
    ...(lost > 0 ? [`${lost} of ${rows.length} prototypes`] : []),
    ...(isLost(lq) ? ['L_q'] : []),
    ...(isLost(loss) ? ["the model's loss"] : []),
  ];
  if (found.length === 0) return undefined;
  return `${layer.getClassName()} '${layer.name}', epoch ${epoch}: NaN or infinite: ${found.join(', ')}. Training stops here, as such numbers spread to all weights. Look for NaN in the inputs and masks, lower the optimiser's rate or the layer's rateRatio, and train a new model or load one that was saved before.`;
}

/**
 * Ends the training of a model of tfjs after the epoch.
 *
 * @throws DdclError `data` with the reason where it is not the model that is trained, which ends it too
 */
export function stopTraining(of: object, reason: string): void {
  // A sequential model trains one inside.
  const trained = ((of as { model?: object | null }).model ?? of) as { isTraining?: boolean; stopTraining?: boolean };
  if (trained.isTraining !== true) throw new DdclError('data', reason);
  trained.stopTraining = true;
}
