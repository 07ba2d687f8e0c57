import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelsOfRows } from '../../src/data/row-labels.ts';

test('every row has the label of its document, in whatever order they are asked for; documents may have no rows', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.infiniteStream(fc.nat()), (rows, places) => {
      const offsets = [0];
      for (const count of rows) offsets.push(offsets.at(-1)! + count);
      const labels = rows.map((_, document) => `of ${document}`);
      const wanted = rows.flatMap((count, document) => Array.from({ length: count }, () => labels[document]!));
      const found = labelsOfRows(labels, Float64Array.from(offsets));
      expect(found.length).toBe(wanted.length);
      expect(wanted.map((_, row) => found.at(row))).toEqual(wanted);
      if (wanted.length > 0) {
        for (const place of places.take(20))
          expect(found.at(place % wanted.length)).toBe(wanted[place % wanted.length]);
      }
      expect([found.at(-1), found.at(wanted.length)]).toEqual([undefined, undefined]);
    }),
  );
});
