import { DdclError } from '@ddcl/core';
import { describe, requireList } from '../checks/require.ts';
import { codesPerVector, sliceCount, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { addCode, codebookOf, hasCodes } from '../state/codebooks.ts';
import { requireState, type QuantizerState } from '../state/state.ts';

/** Which codes are looked up. */
export interface LookUpOptions {
  /** Vectors of weight 0 become zeros, whatever their index. */
  readonly weights?: ArrayLike<number> | undefined;
  /** The first residual levels. */
  readonly levels: number;
}

/** Codebooks, and what is found in them. */
export interface CodeLookUp {
  readonly spec: ResolvedSpec;
  /** How many vectors indices [n, H D] are of. @throws DdclError `shape` for indices that are not whole vectors */
  countOf(indices: ArrayLike<number>): number;
  /** Sums of codes, heads side by side [n, H c], before any projection. @throws DdclError `data` for an index that is no code */
  find(indices: ArrayLike<number>, options: LookUpOptions): Float32Array;
}

/** @throws DdclError as the state's check */
export function createLookUp(state: QuantizerState): CodeLookUp {
  const spec = requireState(state);
  const slices = sliceCount(spec);
  const books = Array.from({ length: slices }, (_, slice) =>
    Array.from({ length: spec.depth }, (_each, level): Float32Array | null =>
      hasCodes(spec) ? codebookOf(spec, state, { slice, level } satisfies Place) : null,
    ),
  );
  const perVector = codesPerVector(spec);
  return {
    spec,
    countOf(indices) {
      requireList('indices', indices);
      const count = indices.length / perVector;
      if (Number.isSafeInteger(count)) return count;
      throw new DdclError(
        'shape',
        `A vector has ${perVector} codes (heads x depth), but ${indices.length} indices are not a whole number of them.`,
      );
    },
    find(indices, { weights, levels }) {
      const { heads, depth, codeDimension: c } = spec;
      const [count, width] = [indices.length / perVector, heads * c];
      const found = new Float32Array(count * width);
      for (let vector = 0; vector < count; vector++) {
        if (weights !== undefined && !(weights[vector]! > 0)) continue;
        for (let head = 0; head < heads; head++) {
          const own = books[slices === 1 ? 0 : head]!;
          for (let level = 0; level < levels; level++) {
            const at = vector * perVector + head * depth + level;
            const index = requireIndex(indices[at]!, at, spec);
            addCode(spec, own[level]!, index, level, found, vector * width + head * c);
          }
        }
      }
      return found;
    },
  };
}

function requireIndex(index: number, at: number, { codes }: ResolvedSpec): number {
  if (Number.isInteger(index) && index >= 0 && index < codes) return index;
  throw new DdclError(
    'data',
    `Codes are whole numbers from 0 to ${codes - 1}, but number ${at} is ${describe(index)}. Vectors that are left out need the weight 0, not an index.`,
  );
}
