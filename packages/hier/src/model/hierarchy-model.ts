import type { FittedLevel } from '../level/fitted-level.ts';
import { createHash } from '../hash/hash.ts';
import { resolveSpec, type ResolvedLevel } from '../spec/resolve.ts';
import type { HierarchySpec } from '../spec/spec.ts';

/** A fitted hierarchy. Plain data: nothing changes it; updates and merges give new ones. */
export interface HierarchyModel {
  /** Its numbers of prototypes are those of today: an update can add to them. */
  readonly spec: HierarchySpec;
  /** One for each level of the spec. */
  readonly levels: readonly FittedLevel[];
  /** Documents that it has seen, those without tokens left out. */
  readonly documents: number;
  /**
   * What one more topic would take off the hard error of the last level, as a share of it, on the documents that it was fitted on: an update gives a
   * topic of its own to documents that gain much more.
   */
  readonly spareGain: number;
}

/** What a hierarchy is, for people and reports. */
export interface HierarchyDescription {
  readonly hash: string;
  readonly documents: number;
  readonly encoder: HierarchySpec['encoder'];
  readonly levels: readonly (Pick<ResolvedLevel, 'name' | 'prototypes' | 'width' | 'up' | 'weight'> & {
    readonly temperature: number;
    readonly criticalTemperature: number;
    /** T / T_c, below 1 (docs/math.md section 5). */
    readonly temperatureShare: number;
    /** Principal components of what it passes on; left out where that is not projected. */
    readonly components: number | undefined;
    readonly masses: Float64Array;
  })[];
}

/** The names, sizes and temperatures of a hierarchy. */
export function describeHierarchy(model: HierarchyModel): HierarchyDescription {
  return {
    hash: modelHash(model),
    documents: model.documents,
    encoder: model.spec.encoder,
    levels: resolveSpec(model.spec).map(({ name, prototypes, width, up, weight }, index) => {
      const { model: own, projection, masses } = model.levels[index]!;
      const { temperature, criticalTemperature } = own;
      return {
        name,
        prototypes,
        width,
        up,
        weight,
        temperature,
        criticalTemperature,
        temperatureShare: temperature / criticalTemperature,
        components: projection && projection.axes.length / projection.mean.length,
        masses,
      };
    }),
  };
}

/** Tells a hierarchy from others: 16 hexadecimal digits of all that decides what becomes of a document. */
export function modelHash({ spec, levels }: HierarchyModel): string {
  const hash = createHash();
  hash.add(JSON.stringify([spec.dimension, spec.levels, spec.encoder?.hash ?? null]));
  for (const { model, projection } of levels) {
    const { prototypes, offset, scale, temperature, totalVariance } = model;
    hash.add(prototypes);
    hash.add(offset);
    hash.add(Float64Array.of(scale, temperature, totalVariance));
    if (projection !== undefined) {
      hash.add(projection.mean);
      hash.add(projection.axes);
    }
  }
  return hash.digest();
}
