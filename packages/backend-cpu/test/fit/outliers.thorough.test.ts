import { it } from 'vitest';
import { checkOutlierFit } from './planted-outliers.ts';

it('among 2000 tokens with outliers 8 prototypes of 4 restarts are where k-means puts them', () =>
  checkOutlierFit({ tokens: 2000, seed: 1, prototypes: 8, restarts: 4, share: 0.2 }));
