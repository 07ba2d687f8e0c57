import { createHash } from '../pack/hash.ts';
import { outerNames } from './outer-tensors.ts';
import { requireState, type QuantizerState } from './state.ts';
import { stateTensors } from './tensors.ts';

/** What vectors of codes are made of. */
const decoding: readonly string[] = ['codes', 'frame', 'matrix', outerNames.outWeight, outerNames.outBias];

/**
 * What tells the codebooks of a state from others, for the header of packed codes: 16 hexadecimal digits. It covers what codes are decoded with (structure,
 * codes, projection out), not masses, temperatures or the norm, so that an `update` that moves no code leaves it as it is.
 *
 * @throws DdclError as the state's check
 */
export function codebookChecksum(state: QuantizerState): string {
  const spec = requireState(state);
  const { kind, dimension, codes, levels, heads, sharedHeads, depth, sharedDepth, codeDimension, variant } = spec;
  const hash = createHash();
  hash.add(
    JSON.stringify([kind, dimension, codes, levels, heads, sharedHeads, depth, sharedDepth, codeDimension, variant]),
  );
  for (const { what, name } of stateTensors(spec)) if (decoding.includes(what)) hash.add(state.tensors[name]!);
  return hash.digest();
}
