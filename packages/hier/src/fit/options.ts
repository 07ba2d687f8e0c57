import type { FloatDType } from '@ddcl/core';
import type { AbortSignalLike, Stability } from '@ddcl/core/fit';
import { requireArgument, requireNumber, requireObject, requireWhole } from '../checks/require.ts';
import type { DocumentCode } from '../encode/encode-documents.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';
import type { LevelQuantities } from '../quantities/level-quantities.ts';

/** Where a fit stands; for progress displays. */
export interface HierarchyProgress {
  /** `read`: documents pass by, to be sampled; `fit`: a level's steps; `joint`: epochs over all levels; `encode`: the topics at the end. */
  readonly phase: 'read' | 'fit' | 'joint' | 'encode';
  /** Name of the level. */
  readonly level: string;
  /** Documents, steps or epochs done in this phase. */
  readonly done: number;
  /** How many there will be, where that is known. */
  readonly total: number | undefined;
}

/** A document as a level that is not fitted yet will see it. */
export interface StartDocument {
  readonly id: string;
  /** 0 for one that counts for nothing. */
  readonly tokens: number;
  /** What the level is given, [width]: a mean where it has several items of the document, zeros without tokens. */
  readonly vector: Float64Array;
}

/** Prototypes to start from, or what makes them of all documents, in the order of their source. */
export type LevelStart =
  | Float32Array
  | Float64Array
  | ((documents: AsyncIterable<StartDocument>) => Promise<Float32Array | Float64Array>);

export interface FitHierarchyOptions {
  /**
   * `levels` (the default) fits one after the other, from tokens upwards. `joint` goes on from there with epochs in which all levels move together and
   * minimise `sum_l beta_l L_q^(l)`.
   */
  readonly mode?: 'levels' | 'joint';
  /**
   * Passes over a level's items, all of which cool; default: as many as its annealed steps need, then passes until L_q stands still, which ends lower.
   * With `joint` also the epochs of that; default 5.
   */
  readonly epochs?: number;
  /** With `joint`: let an upper level's L_q reach the prototypes below it. Default false: minimised there it rewards making all documents equal. */
  readonly through?: boolean;
  /**
   * Fits of the last level, of which the one with the lowest hard error is kept. Up to 4,096 numbers of prototypes all are annealed; above that the best
   * of so many k-means (from random items, of up to 16,384) is where one goes on from at the final temperature. Default 10.
   */
  readonly restarts?: number;
  /** Measure the stability certificate of each level (docs/math.md section 4), which may take longer than its fit. Default false. */
  readonly certificate?: boolean;
  /**
   * Where prototypes of levels start, by name, [K, width] in the items' units, or a function that makes them when the levels below are fitted, such as of
   * `guidedStarts`; default: `pulled` of `initialize`.
   */
  readonly starts?: Readonly<Record<string, LevelStart>>;
  /** A whole number >= 0; equal seeds give equal models on a deterministic backend, whatever the order of the documents. Default 0. */
  readonly seed?: number;
  /** Of prototypes and of the fit's programs. Default `float32`. */
  readonly dtype?: FloatDType;
  /**
   * Bytes of the items that a level is fitted on: more, and more than 65,536 or 512 per prototype, are sampled by a hash of their document, so that
   * neither memory nor the order of documents matters. Default 256 MiB.
   */
  readonly memory?: number;
  readonly signal?: AbortSignalLike;
  readonly onProgress?: (progress: HierarchyProgress) => void;
  /** Told the quantities of each level as it is fitted, at least once per epoch where `epochs` is given. */
  readonly onEpoch?: (quantities: LevelQuantities) => void;
  /** Told what makes the fit slower or worse than asked for. */
  readonly onWarning?: (warning: string) => void;
  /** Called with the topics of all documents in their order, block by block, when the fit is done: what `encodeDocuments` gives. */
  readonly onDocuments?: (documents: readonly DocumentCode[]) => void;
}

/** What is known of a level after the fit. */
export interface LevelReport extends LevelQuantities {
  /** Items that there are, and that it was fitted on: a sample where memory does not hold all. */
  readonly items: number;
  readonly fitted: number;
  /** With `certificate`: of the mean loss's Hessian (docs/math.md sections 4 and 5). */
  readonly stability?: Stability;
}

/** Options with their defaults. */
export type ResolvedOptions = FitHierarchyOptions &
  Required<
    Pick<FitHierarchyOptions, 'mode' | 'through' | 'certificate' | 'restarts' | 'starts' | 'seed' | 'dtype' | 'memory'>
  >;

/** @throws DdclError `argument` for a number outside its range, or a start of a level that there is not */
export function resolveOptions(options: FitHierarchyOptions, levels: readonly ResolvedLevel[]): ResolvedOptions {
  requireObject('The options', options, 'an object, or left out');
  const resolved = {
    ...options,
    mode: options.mode ?? 'levels',
    through: options.through ?? false,
    certificate: options.certificate ?? false,
    restarts: options.restarts ?? 10,
    starts: options.starts ?? {},
    seed: options.seed ?? 0,
    dtype: options.dtype ?? 'float32',
    memory: options.memory ?? 2 ** 28,
  };
  requireArgument('mode', resolved.mode, ['levels', 'joint'].includes(resolved.mode), "'levels' or 'joint'");
  if (options.epochs !== undefined) requireWhole('epochs', options.epochs, 1);
  requireWhole('restarts', resolved.restarts, 1);
  requireWhole('seed', resolved.seed, 0);
  requireNumber('memory', resolved.memory, (bytes) => bytes > 0, 'a number of bytes > 0');
  requireObject('starts', resolved.starts, 'an object of prototypes by names of levels');
  const names = levels.map(({ name }) => name);
  for (const name of Object.keys(resolved.starts)) {
    requireArgument('A name in starts', name, names.includes(name), `a level's: ${names.join(', ')}`);
  }
  return resolved;
}
