import { createRandom } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { orderByShare, orderBySimilarity, reorderPrototypes } from '../../src/surgery/reorder.ts';
import { modelOf, rowsOf } from './models.ts';
import { codeOf } from '../thrown.ts';

function pathLength(model: DdclModel, order: ArrayLike<number>): number {
  const rows = rowsOf(model);
  let total = 0;
  for (let place = 1; place < order.length; place++)
    total += Math.hypot(...rows[order[place]!]!.map((x, axis) => x - rows[order[place - 1]!]![axis]!));
  return total;
}

/** Length of the shortest path through all, by going through all orders. */
function shortest(model: DdclModel): number {
  const go = (path: number[]): number =>
    path.length === model.count
      ? pathLength(model, path)
      : Math.min(...Array.from({ length: model.count }, (_, k) => (path.includes(k) ? Infinity : go([...path, k]))));
  return go([]);
}

describe('reorderPrototypes', () => {
  const model = modelOf([[0], [1], [2]]);

  it('puts prototypes into the order', () => {
    const { model: turned, map } = reorderPrototypes(model, [2, 0, 1]);
    expect(rowsOf(turned)).toEqual([[2], [0], [1]]);
    expect([...map]).toEqual([1, 2, 0]);
    expect(reorderPrototypes(turned, map).model).toEqual(model);
  });

  it('refuses what is no permutation', async () => {
    for (const order of [
      [0, 1],
      [0, 1, 1],
      [0, 1, 3],
      [0, 1, 2, 2],
      [0, 1, 0.5],
      [0, 1, -1],
    ])
      expect(await codeOf(() => reorderPrototypes(model, order))).toBe('argument');
  });
});

describe('orders', () => {
  it('by share: largest first, the lower number at a tie', async () => {
    const model = modelOf([[0], [1], [2], [3]]);
    expect([...orderByShare(model, [0.2, 0.4, 0.2, 0.2])]).toEqual([1, 0, 2, 3]);
    expect(await codeOf(() => orderByShare(model, [1]))).toBe('shape');
  });

  it('by similarity: follows a bent line from one end to the other', () => {
    const random = createRandom(2);
    const places = [...random.permutation(40)];
    const model = modelOf(places.map((t) => [Math.cos(t / 15), Math.sin(t / 15), 0.02 * random.normal()]));
    const along = [...orderBySimilarity(model)].map((k) => places[k]!);
    const up = Array.from({ length: 40 }, (_, t) => t);
    expect([up, up.toReversed()]).toContainEqual(along);
  });

  it('by similarity: close to the shortest path, and the same every time', () => {
    const random = createRandom(3);
    let ratio = 0;
    for (let set = 0; set < 5; set++) {
      const model = modelOf(Array.from({ length: 7 }, () => [random.normal(), random.normal(), random.normal()]));
      const order = orderBySimilarity(model);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(orderBySimilarity(model)).toEqual(order);
      ratio = Math.max(ratio, pathLength(model, order) / shortest(model));
    }
    expect(ratio).toBeLessThan(1.1);
    expect([...orderBySimilarity(modelOf([[1, 2]]))]).toEqual([0]);
  });
});
