import { it } from 'vitest';
import { checkOutlierFit } from './planted-outliers.ts';

// With more tokens and restarts: outliers.thorough.test.ts.
it.each([
  { tokens: 600, prototypes: 2, restarts: 1, share: 0.95 },
  { tokens: 600, prototypes: 8, restarts: 1, share: 0.2 },
])('among $tokens tokens with outliers $prototypes prototypes are where k-means puts them', checkOutlierFit);
