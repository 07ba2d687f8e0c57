import type { DdclModel } from '@ddcl/core/fit';

/** Of the mean one's mass. */
const leastShare = 1e-3;

/** The mass up to which a prototype stays where it is: what little pulls at it says nothing, and its mean may lie anywhere. */
export const leastMass = (items: number, prototypes: number): number => (leastShare * items) / prototypes;

/** A prototype that is the mean of fewer items is one that nothing uses. */
export const unusedMass = 0.5;

/** The model with other prototypes, given in its frame, rounded to its precision. */
export function withFramedPrototypes(model: DdclModel, framed: Float64Array): DdclModel {
  const { dimension, offset, scale, dtype } = model;
  const prototypes = framed.map((value, index) => {
    const absolute = value * scale + offset[index % dimension]!;
    return dtype === 'float32' ? Math.fround(absolute) : absolute;
  });
  return { ...model, count: framed.length / dimension, prototypes };
}
