import type { ResolvedSpec } from '../spec/resolve.ts';

/** Names of the tensors of the projections and the norm. */
export const outerNames = {
  inWeight: 'project.in.weight',
  inBias: 'project.in.bias',
  outWeight: 'project.out.weight',
  outBias: 'project.out.bias',
  normMean: 'norm.mean',
  normVariance: 'norm.variance',
} as const;

/** Shapes and roles of tensors around the codebooks. */
export function outerTensors(
  spec: ResolvedSpec,
): { readonly name: string; readonly shape: readonly number[]; readonly role: 'trained' | 'carried' | 'fixed' }[] {
  const { dimension, heads, codeDimension, projected, norm } = spec;
  const role = spec.projection === 'principal' ? 'fixed' : 'trained';
  const width = heads * codeDimension;
  return [
    ...(projected
      ? ([
          { name: outerNames.inWeight, shape: [dimension, width], role },
          { name: outerNames.inBias, shape: [width], role },
          { name: outerNames.outWeight, shape: [width, dimension], role },
          { name: outerNames.outBias, shape: [dimension], role },
        ] as const)
      : []),
    ...(norm === 'scale'
      ? ([
          { name: outerNames.normMean, shape: [dimension], role: 'carried' },
          { name: outerNames.normVariance, shape: [], role: 'carried' },
        ] as const)
      : []),
  ];
}
