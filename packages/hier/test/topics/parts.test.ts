import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { parseDate } from '../../src/topics/dates.ts';
import { guidedStarts } from '../../src/topics/guided.ts';
import { findOutliers, type OutlierRule } from '../../src/topics/outliers.ts';
import { timeCounts, type Period } from '../../src/topics/over-time.ts';
import { countByPrice, cutTree, topicTree, type TopicNode } from '../../src/topics/tree.ts';

/** What joining does to the error, by going through all pairs and computing the error anew. */
function joinedByError(points: readonly (readonly number[])[], masses: readonly number[]): number[][][] {
  const errorOf = (group: readonly number[]): number => {
    const mass = group.reduce((sum, k) => sum + masses[k]!, 0);
    const mean = points[0]!.map((_, axis) => group.reduce((sum, k) => sum + masses[k]! * points[k]![axis]!, 0) / mass);
    return group.reduce(
      (sum, k) => sum + masses[k]! * mean.reduce((d, m, axis) => d + (points[k]![axis]! - m) ** 2, 0),
      0,
    );
  };
  let groups = points.map((_, k) => [k]);
  const steps = [groups];
  while (groups.length > 1) {
    let best: { rise: number; next: number[][] } | undefined;
    for (let i = 0; i < groups.length; i++) {
      for (let j = i + 1; j < groups.length; j++) {
        const union = [...groups[i]!, ...groups[j]!].sort((a, b) => a - b);
        const rise = errorOf(union) - errorOf(groups[i]!) - errorOf(groups[j]!);
        const next = [...groups.filter((_, k) => k !== i && k !== j), union].sort((a, b) => a[0]! - b[0]!);
        if (best === undefined || rise < best.rise) best = { rise, next };
      }
    }
    groups = best!.next;
    steps.unshift(groups);
  }
  return steps;
}

describe('the tree', () => {
  it('joins the pair that raises the error least, and cuts to any number', () => {
    const random = createRandom(3);
    for (let trial = 0; trial < 10; trial++) {
      const count = 9;
      const points = Array.from({ length: count }, () => [random.normal(), random.normal(), random.normal()]);
      const masses = Array.from({ length: count }, () => 1 + random.integer(50));
      const tree = topicTree(points.flat(), masses);
      joinedByError(points, masses).forEach((groups, index) => expect(cutTree(tree, index + 1)).toEqual(groups));
    }
  });

  it('has the rise of the mean error as heights', () => {
    const tree = topicTree([0, 1, 10], [3, 1, 4]);
    // (3 1 / 4) 1^2 / 8, then (4 4 / 8) (10 - 0.25)^2 / 8.
    expect(tree.children[0]!.height).toBeCloseTo(0.75 / 8, 14);
    expect(tree.height).toBeCloseTo(0.75 / 8 + (2 * 9.75 ** 2) / 8, 12);
    expect(tree).toMatchObject({ topics: [0, 1, 2], mass: 8 });
  });

  it('has as many topics as are worth their price', () => {
    // Joins cost 1/8, 1/8 and 50: of pairs of mass 1 and 1 at a distance of 1/2, then of those.
    const tree = topicTree([0, 0.5, 10, 10.5], [1, 1, 1, 1]);
    expect([0, 0.001, 0.01, 0.9, 1].map((price) => countByPrice(tree, price))).toEqual([4, 4, 2, 2, 1]);
    expect(cutTree(tree, countByPrice(tree, 0.01))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(countByPrice(topicTree([1, 2], [3]), 0.5)).toBe(1);
  });

  it('joins topics without documents to their nearest', () => {
    const tree = topicTree([0, 10, 9, 1], [5, 5, 0, 0]);
    expect(cutTree(tree, 2)).toEqual([
      [0, 3],
      [1, 2],
    ]);
    const leaves = (node: TopicNode): number =>
      node.children.length === 0 ? 1 : node.children.map(leaves).reduce((a, b) => a + b);
    expect(leaves(tree)).toBe(4);
    expect(topicTree([1, 2], [3]).children).toEqual([]);
  });
});

describe('outliers', () => {
  const entropy = [0.1, 0.9, 0.2, 0.3, 0.05];
  const distance = [1, 2, 9, 3, 0.5];
  it.each<readonly [rule: OutlierRule, flags: readonly number[]]>([
    [{ entropy: 0.15 }, [0, 1, 1, 1, 0]],
    [{ distance: 2 }, [0, 0, 1, 1, 0]],
    [{ entropy: 0.25, distance: 2 }, [0, 0, 0, 1, 0]],
    // Ranks of entropy 1 4 2 3 0, of distance 1 2 4 3 0: the first two have 4, and equal sums; the earlier one comes first.
    [{ share: 0.2 }, [0, 1, 0, 0, 0]],
    [{ share: 0.4 }, [0, 1, 1, 0, 0]],
    [{ share: 0 }, [0, 0, 0, 0, 0]],
    [{ share: 1 }, [1, 1, 1, 1, 1]],
  ])('by %j', (rule, flags) => {
    const found = findOutliers(entropy, distance, rule);
    expect([...found.flags]).toEqual(flags);
    expect(found.count).toBe(flags.filter((flag) => flag === 1).length);
  });
  it('tells what the others have at most', () => {
    expect(findOutliers(entropy, distance, { share: 0.4 }).others).toEqual({ entropy: 0.3, distance: 3 });
    expect(findOutliers([], [], { share: 0.4 })).toMatchObject({ count: 0, others: { entropy: NaN, distance: NaN } });
  });
});

describe('dates', () => {
  it.each<readonly [value: unknown, wanted: string | undefined]>([
    ['1993', '1993-01-01T00:00:00.000Z'],
    [1993, '1993-01-01T00:00:00.000Z'],
    ['1993-04', '1993-04-01T00:00:00.000Z'],
    ['1993-04-22', '1993-04-22T00:00:00.000Z'],
    ['1993-04-22T16:20:05Z', '1993-04-22T16:20:05.000Z'],
    ['1993-04-22 16:20', '1993-04-22T16:20:00.000Z'],
    ['1993-04-22T16:20:05.25+02:00', '1993-04-22T14:20:05.000Z'],
    ['Thu, 22 Apr 1993 16:20:05 GMT', '1993-04-22T16:20:05.000Z'],
    ['22 Apr 93 16:20:05 -0500 (EST)', '1993-04-22T21:20:05.000Z'],
    [735_495_605, '1993-04-22T16:20:05.000Z'],
    [735_495_605_000, '1993-04-22T16:20:05.000Z'],
    [735_495_605n, '1993-04-22T16:20:05.000Z'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    ['1700000000', '2023-11-14T22:13:20.000Z'],
    ['1700000000.5', '2023-11-14T22:13:20.500Z'],
    ['1700000000000', '2023-11-14T22:13:20.000Z'],
    ['-86400', '1969-12-31T00:00:00.000Z'],
    ['1993-04-22T24:00:00', '1993-04-23T00:00:00.000Z'],
    ['9999-12-31T23:59', '9999-12-31T23:59:00.000Z'],
    ['0000', '0000-01-01T00:00:00.000Z'],
    ['1993-04-22T16:20+23:59', '1993-04-21T16:21:00.000Z'],
    ['1700000000000000', undefined],
    [1_700_000_000_000_000, undefined],
    [8e15, undefined],
    [new Date(8e15), undefined],
    ['1993-04-22T24:59:59', undefined],
    ['1993-04-22T24:00:01', undefined],
    ['1993-04-22T16:20+99:99', undefined],
    ['1993-04-22T16:20+01:60', undefined],
    ['9999-12-31T23:59-01:00', undefined],
    ['1993-02-30', undefined],
    ['1993-13-01', undefined],
    ['31 Apr 1993', undefined],
    ['foo 1', undefined],
    ['', undefined],
    [NaN, undefined],
    [1e300, undefined],
    [{}, undefined],
    [true, undefined],
  ])('%s is %s', (value, wanted) => {
    const time = parseDate(value);
    expect(time === undefined ? undefined : new Date(time).toISOString()).toBe(wanted);
  });
});

describe('over time', () => {
  it.each<readonly [Period, string, readonly number[]]>([
    ['day', '1993-04-25', [1, 1, 0, 0]],
    ['week', '1993-04-19', [1, 1]],
    ['month', '1993-04-01', [2]],
    ['quarter', '1993-04-01', [2]],
    ['year', '1993-01-01', [2]],
    ['decade', '1990-01-01', [2]],
  ])('counts by %s', (period, first, counts) => {
    // A Sunday and the Monday after it; the other topic's stands two days later.
    const time = timeCounts(2, period);
    for (const date of ['1993-04-26', '1993-04-25T23:59:59Z']) time.add(0, date);
    time.add(1, '1993-04-28');
    const result = time.result();
    expect(new Date(result.starts[0]!).toISOString().slice(0, 10)).toBe(first);
    expect([...result.counts.subarray(0, result.starts.length)]).toEqual(counts);
    expect(result.counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  it('chooses the longest period with twelve bins, and counts what is no date', () => {
    const time = timeCounts(1);
    for (let month = 1; month <= 12; month++) time.add(0, `2001-${String(month).padStart(2, '0')}-15`);
    for (const value of ['soon', { day: 1 }, 8e15, '', null, undefined]) time.add(0, value);
    expect(time.result()).toMatchObject({
      period: 'month',
      dated: 12,
      unreadable: { count: 3, examples: ['soon', '{"day":1}', '8000000000000000'] },
      undated: 3,
    });
    expect([...time.result().counts]).toEqual(new Array(12).fill(1));
    expect(timeCounts(1).result().starts).toHaveLength(0);
  });
});

describe('guided starts', () => {
  const documents = [
    ['a', 'moon and rocket', [1, 0]],
    ['b', 'moon only', [0.5, 0.5]],
    ['c', 'apple', [0, 1]],
    ['d', 'far', [-9, -9]],
  ] as const;
  const starts = (count: number, seed = 0) => {
    const guided = guidedStarts(2, [{ words: ['Moon', 'rocket'] }, { documents: ['c'] }], { seed });
    for (const [id, text, vector] of documents) guided.add(id, text, vector);
    return guided.result(count);
  };
  it('are means of documents by the share of their words, then documents far away', () => {
    // 1 and (1/2)^2.
    expect([...starts(2)]).toEqual([0.9, 0.1, 0, 1]);
    const [x, y] = starts(3).slice(4);
    expect([x, y]).toEqual([-9, -9]);
    expect(starts(4, 5)).toEqual(starts(4, 5));
    expect(() => starts(7)).toThrow(
      expect.objectContaining({ message: '7 starts, 2 of them from seeds, need 5 documents, but there are 4.' }),
    );
  });
});

describe('bad input', () => {
  const guided = guidedStarts(2, [{ words: ['absent'] }]);
  guided.add('a', 'text', [1, 2]);
  it.each<readonly [what: () => unknown, message: string]>([
    [() => topicTree([1, 2, 3], [1, 1]), '2 masses need 2 prototypes of one length, but 3 numbers came.'],
    [() => topicTree([1, NaN], [1, 1]), 'Prototypes must be finite, but topic 1 has NaN.'],
    [() => topicTree([1, 2], [1, -1]), 'Masses must be finite and >= 0, but topic 1 has -1.'],
    [
      () => cutTree(topicTree([1, 2], [1, 1]), 3),
      '2 topics can be merged to a whole number from 1 to 2, but 3 was asked for.',
    ],
    [() => countByPrice(topicTree([1, 2], [1, 1]), 2), 'price must be a share from 0 to 1, but is 2.'],
    [
      () => findOutliers([0], [0], { part: 1 } as never),
      'Outliers are told by { share: 0.05 }, { entropy: 1.5 }, { distance: 2 }, or { entropy: 1.5, distance: 2 }, but {"part":1} came.',
    ],
    [() => findOutliers([0], [0], { share: 5 }), 'share must be a share from 0 to 1, but is 5.'],
    [() => findOutliers([0], [0], { entropy: -1 }), 'entropy must be a number >= 0, but is -1.'],
    [() => findOutliers([0], [], { share: 0 }), '1 entropies need 1 distances, but 0 came.'],
    [
      () => findOutliers([NaN], [1], { share: 0 }),
      'Entropies and distances must be finite, but document 0 (counted from 0) has NaN and 1.',
    ],
    [
      () => timeCounts(1, 'minute' as never),
      "period must be one of hour, day, week, month, quarter, year, decade, but is 'minute'.",
    ],
    [
      () => {
        const time = timeCounts(1, 'hour');
        time.add(0, '1900');
        time.add(0, '2000');
        return time.result();
      },
      'Dates from 1900-01-01 to 2000-01-01 make 876577 bins of a hour, but at most 10000 are drawn. Choose a longer period.',
    ],
    [
      () => guidedStarts(2, [{ words: ['the'] }], { stopWords: ['the'] }),
      'Seed 0 (counted from 0) has no document and no word that counts in ["the"]. Give words that are no stop words, or ids of documents.',
    ],
    [() => guided.result(0), '1 seeds need at least as many prototypes, but 0 came.'],
    [
      () => guided.result(1),
      'No document has anything of seed 0 (counted from 0): ["absent"]. Look at the spelling, or leave it out.',
    ],
    [
      () => {
        const some = guidedStarts(1, [{ documents: ['a'] }, { words: ['text'], documents: ['b', 'a', 'c'] }]);
        some.add('a', 'text', [1]);
        return some.result(2);
      },
      'There are no documents with the ids "b", "c" of seed 1 (counted from 0). Look at the spelling, or leave them out.',
    ],
    [
      () => {
        const some = guidedStarts(1, [{ documents: Array.from({ length: 13 }, (_, index) => `a${index}`) }]);
        some.add('a0', 'text', [1]);
        return some.result(1);
      },
      'There are no documents with the ids "a1", "a2", "a3", "a4", "a5" and 7 more of seed 0 (counted from 0). Look at the spelling, or leave them out.',
    ],
    [() => guided.add('b', '', [1]), 'Vectors have 2 numbers, but document "b" has 1.'],
    [() => guided.add('b', '', [1, Infinity]), 'Vectors must be finite, but document "b" has Infinity.'],
  ])('case %#', (what, message) => {
    expect(what).toThrow(expect.objectContaining({ message }));
  });
});
