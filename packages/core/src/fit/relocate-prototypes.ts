import type { Backend } from '../backend/contract.ts';
import { allocate } from '../program/dtype.ts';
import { createRelocator } from '../relocate/relocate.ts';
import { evenRows } from '../stability/measure-stability.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import { mapRows } from '../tokens/device-blocks.ts';
import type { ResolvedFitOptions } from './options.ts';
import type { Stepper } from './stepper.ts';

/** Tokens of the sample: enough that cells of each prototype have a centroid, few enough that a round is a small part of a fit. */
const fewestTokens = 8192;
const tokensPerPrototype = 32;

/** Relocation of a running fit's prototypes on a sample of its tokens. */
export interface PrototypeRelocation {
  /** @param rounds at most @returns how many moved */
  run(stepper: Stepper, rounds: number): Promise<number>;
  dispose(): void;
}

/** An optimiser forgets the momentum of prototypes that moved; scales of gradients and masses go along with what was split. */
export async function createRelocation(
  backend: Backend,
  { sample, frame }: TokenStatistics,
  { prototypes: count, dtype, optimizer }: ResolvedFitOptions,
): Promise<PrototypeRelocation> {
  const dimension = frame.offset.length;
  const most = Math.min(sample.count, Math.max(fewestTokens, tokensPerPrototype * count));
  const rows = allocate(dtype, most * dimension) as Float32Array | Float64Array;
  mapRows(evenRows(sample.rows, dimension, sample.count, most), 0, rows, 0, most, frame.offset, 1 / frame.scale);
  const weights = evenRows(sample.weights, 1, sample.count, most);
  const relocator = await createRelocator(backend, { rows, weights, dimension }, count);
  return {
    async run(stepper, rounds) {
      const [framed, ...state] = await stepper.read();
      const prototypes = Float64Array.from(framed!);
      const moves = await relocator.relocate(prototypes, rounds);
      if (moves.length === 0) return 0;
      const row = (data: Float32Array | Float64Array, k: number): Float32Array | Float64Array =>
        data.subarray(k * dimension, (k + 1) * dimension);
      const [momentum, ...scales] = state.filter((_, slot) => optimizer.slots[slot] === 'parameter');
      const masses = state.filter((_, slot) => optimizer.slots[slot] === 'rows');
      for (const { moved, split } of moves) {
        if (momentum !== undefined) for (const k of [moved, split]) row(momentum, k).fill(0);
        for (const scale of scales) row(scale, moved).set(row(scale, split));
        for (const mass of masses) mass[moved] = mass[split] = mass[split]! / 2;
      }
      await stepper.write(prototypes, stepper.steps, state);
      return moves.length;
    },
    dispose: () => relocator.dispose(),
  };
}
