import type { PrimitiveOp } from '@ddcl/core/backend';
import type { ConformanceCase } from '../../run/case.ts';
import { variantCases, type VariantsOf } from '../variants.ts';
import { elementwiseVariants } from './elementwise.ts';
import { layoutVariants } from './layout.ts';
import { rankVariants } from './ranks.ts';
import { reduceVariants } from './reduce.ts';

/** Cases for every primitive: a new one that has none does not compile. */
const variants: VariantsOf<PrimitiveOp> = {
  ...elementwiseVariants,
  ...reduceVariants,
  ...layoutVariants,
};

/** Every primitive against the oracle, at all test sizes and dtypes, and on tensors of rank 4 and 5. */
export function primitiveCases(): ConformanceCase[] {
  return [variants, rankVariants].flatMap((ops) =>
    Object.entries(ops).flatMap(([op, list]) => list.flatMap((variant) => variantCases(op, variant, 'primitive'))),
  );
}
