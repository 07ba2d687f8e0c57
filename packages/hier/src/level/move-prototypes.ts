import type { DdclModel } from '@ddcl/core/fit';

/** The model with other prototypes, given in its frame, rounded to its precision. */
export function withFramedPrototypes(model: DdclModel, framed: Float64Array): DdclModel {
  const { dimension, offset, scale, dtype } = model;
  const prototypes = framed.map((value, index) => {
    const absolute = value * scale + offset[index % dimension]!;
    return dtype === 'float32' ? Math.fround(absolute) : absolute;
  });
  return { ...model, count: framed.length / dimension, prototypes };
}
