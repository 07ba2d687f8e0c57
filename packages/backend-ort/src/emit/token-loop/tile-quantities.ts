import type { TokenQuantity } from '@ddcl/core/backend';

/** What comes as a row per token. */
export type TokenRow =
  | 'assignments'
  | 'outputs'
  | 'nearest'
  | 'nearestDistance'
  | 'lossByTokens'
  | 'lossByWeights'
  | 'outputsByTokens';

/** Sums that a tile adds to, by quantity; gradients by prototypes are two of them. */
export type TileSum =
  | Exclude<TokenQuantity, TokenRow | PrototypeGradient | 'gradientMass'>
  | 'pull'
  | 'totals'
  | 'lossPull'
  | 'lossTotals'
  | 'outputsPull'
  | 'outputsTotals';

const rowQuantities: readonly TokenQuantity[] = [
  'assignments',
  'outputs',
  'nearest',
  'nearestDistance',
  'lossByTokens',
  'lossByWeights',
  'outputsByTokens',
] satisfies readonly TokenRow[];

export function isRow(quantity: TokenQuantity): quantity is TokenRow {
  return rowQuantities.includes(quantity);
}

/** Rows of m or K numbers. */
export function isWideRow(quantity: TokenQuantity): quantity is TokenRow {
  return isRow(quantity) && !['nearest', 'nearestDistance', 'lossByWeights'].includes(quantity);
}

/** Quantities that are made of two sums. */
export type PrototypeGradient = 'gradient' | 'lossByPrototypes' | 'outputsByPrototypes';

export const prototypeGradients: Readonly<Record<PrototypeGradient, readonly [pull: TileSum, totals: TileSum]>> = {
  gradient: ['pull', 'totals'],
  lossByPrototypes: ['lossPull', 'lossTotals'],
  outputsByPrototypes: ['outputsPull', 'outputsTotals'],
};

export function isPrototypeGradient(quantity: TokenQuantity): quantity is PrototypeGradient {
  return quantity in prototypeGradients;
}

/** The sums that a set of quantities needs; L_q is that of its two parts where those are there. */
export function sumsOf(quantities: ReadonlySet<TokenQuantity>): TileSum[] {
  const sums = [...quantities].flatMap((quantity): readonly TileSum[] => {
    if (quantity === 'gradientMass') return ['totals'];
    if (isRow(quantity) || (quantity === 'lq' && quantities.has('lols') && quantities.has('v'))) return [];
    return isPrototypeGradient(quantity) ? prototypeGradients[quantity] : [quantity];
  });
  return [...new Set(sums)];
}
