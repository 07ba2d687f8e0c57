/** A label for each row; an array of texts is one. Where many rows share a label, nothing is kept for each row. */
export interface RowLabels {
  readonly length: number;
  /** Undefined beyond the last row. */
  at(row: number): string | undefined;
}

/**
 * The labels of documents as labels of their rows. Rows that are asked for in order are found at once, others by bisection.
 *
 * @param labels one a document
 * @param offsets rows of document d are `offsets[d]` to `offsets[d + 1] - 1`
 */
export function labelsOfRows(labels: readonly string[], offsets: ArrayLike<number>): RowLabels {
  const length = offsets[labels.length] ?? 0;
  let document = 0;
  const holds = (candidate: number, row: number): boolean =>
    offsets[candidate]! <= row && row < offsets[candidate + 1]!;
  return {
    length,
    at(row) {
      if (!(row >= 0 && row < length)) return undefined;
      if (!holds(document, row) && document + 1 < labels.length && holds(document + 1, row)) document++;
      else if (!holds(document, row)) document = documentOfRow(offsets, labels.length, row);
      return labels[document];
    },
  };
}

/** The last document that starts at a row or before it; those without rows lie before the one that has it. */
function documentOfRow(offsets: ArrayLike<number>, documents: number, row: number): number {
  let [low, high] = [0, documents - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (offsets[middle]! <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
