import { toFrame } from '../measure/prototype-state.ts';
import { relocate } from '../relocate/relocate.ts';
import { evenRows } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { Stepper } from './stepper.ts';

/** Numbers (tokens x K x m) that one round of relocation may go over, so that it stays a small part of a fit. */
const roundBudget = 2 ** 29;

/**
 * Relocates the prototypes of a running fit on a sample of its tokens (all of it, or fewer where K m is
 * large, at least 1,024). The optimiser forgets the momentum of those that moved, and keeps their scale of gradients.
 */
export async function relocatePrototypes(
  stepper: Stepper,
  { sample, frame }: TokenStatistics,
  count: number,
): Promise<void> {
  const dimension = frame.offset.length;
  const most = Math.min(sample.count, Math.max(1024, Math.floor(roundBudget / (count * dimension))));
  const rows = toFrame(evenRows(sample.rows, dimension, sample.count, most), frame);
  const weights = evenRows(sample.weights, 1, sample.count, most);
  const [framed, ...state] = await stepper.read();
  const prototypes = Float64Array.from(framed!);
  const moves = relocate({ rows, weights, dimension }, prototypes);
  if (moves.length === 0) return;
  const [momentum, ...scales] = state;
  const row = (data: Float32Array | Float64Array, k: number): Float32Array | Float64Array =>
    data.subarray(k * dimension, (k + 1) * dimension);
  for (const { moved, split } of moves) {
    if (momentum !== undefined) for (const k of [moved, split]) row(momentum, k).fill(0);
    for (const scale of scales) row(scale, moved).set(row(scale, split));
  }
  await stepper.write(prototypes, stepper.steps, state);
}
