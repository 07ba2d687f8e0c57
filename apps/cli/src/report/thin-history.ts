/**
 * At most `limit` (>= 2) of the records, evenly by position, the first and the last among them: more than a chart of a
 * few hundred pixels can show only makes the file larger.
 */
export function thinHistory<T>(records: readonly T[], limit: number): readonly T[] {
  if (records.length <= limit) return records;
  const step = (records.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, index) => records[Math.round(index * step)] as T);
}
