import type { ResolvedSpec } from './resolve.ts';

/** A codebook, or where one would be: of which slices of the vectors, and at which level. */
export interface Place {
  /** `0` where heads share. */
  readonly slice: number;
  /** From 0. */
  readonly level: number;
}

/** How many slices are quantized each in its own way; with shared heads all slices are more tokens of one. */
export const sliceCount = ({ heads, sharedHeads }: ResolvedSpec): number => (sharedHeads ? 1 : heads);

/** Tokens that a vector counts as in each slice. */
export const tokensPerVector = ({ heads, sharedHeads }: ResolvedSpec): number => (sharedHeads ? heads : 1);

/** Every slice at every level. */
export function places(spec: ResolvedSpec): Place[] {
  return Array.from({ length: sliceCount(spec) }, (_, slice) =>
    Array.from({ length: spec.depth }, (_each, level) => ({ slice, level })),
  ).flat();
}

/** Where the codebook of a place is kept. */
export const bookOf = ({ sharedDepth }: ResolvedSpec, { slice, level }: Place): Place => ({
  slice,
  level: sharedDepth ? 0 : level,
});

/** Every codebook. */
export const books = (spec: ResolvedSpec): Place[] =>
  places(spec).filter(({ level }) => !spec.sharedDepth || level === 0);

/** Name of a tensor of a place or of its codebook. */
export const tensorName = (what: string, { slice, level }: Place): string => `${what}.${slice}.${level}`;

/** Codes of a vector: one for each level of each head, the levels of a head together. */
export const codesPerVector = ({ heads, depth }: ResolvedSpec): number => heads * depth;
