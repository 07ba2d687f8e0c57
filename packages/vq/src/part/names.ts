import { tensorType, type Dimension, type FloatDType, type TensorType } from '@ddcl/core';
import { books } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** What has a control or an input of its own. */
export function controlNames({ kind, depth, stochastic }: ResolvedSpec): string[] {
  return [
    'active',
    ...(depth > 1 ? ['depth'] : []),
    ...(kind === 'ddcl' ? ['share', 'noise'] : []),
    ...(kind === 'gumbel' || kind === 'smoothed' || stochastic ? ['tau'] : []),
  ];
}

/** Types of inputs by name. */
export function inputTypes(spec: ResolvedSpec, n: Dimension, dtype: FloatDType): Record<string, TensorType> {
  const { kind, depth, heads, codeDimension, codes, stochastic, reviveBelow, frozen } = spec;
  return {
    ...(kind === 'ddcl' && { normals: tensorType(dtype, [n, depth, heads, codeDimension]) }),
    ...((kind === 'gumbel' || stochastic) && { gumbels: tensorType(dtype, [n, depth, heads, codes]) }),
    ...(reviveBelow > 0 && !frozen && { rows: tensorType('int32', [books(spec).length, codes]) }),
  };
}
