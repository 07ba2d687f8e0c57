import { dataError, describeCell } from './data-error.ts';

/** Labels in row order; equal ones share one text, so a million labels of few classes stay small. */
export interface LabelList {
  readonly labels: readonly string[];
  /**
   * Adds the label of a row.
   *
   * @param place tells where a row stands, for messages
   * @throws DdclError `data` for a missing or empty label and for one that is no text, number or boolean
   */
  add(file: string, place: (row: number) => string, row: number, cell: unknown): void;
}

export function createLabelList(): LabelList {
  const labels: string[] = [];
  const known = new Map<string, string>();
  return {
    labels,
    add(file, place, row, cell) {
      const plain =
        typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean';
      const text = plain ? String(cell).trim() : '';
      if (text === '')
        throw dataError(
          file,
          `${place(row)}: expected a label, but ${describeCell(cell)} came. Give every row a label, for example "unknown".`,
        );
      let label = known.get(text);
      if (label === undefined) {
        // A copy: cells are parts of large texts, which they would keep in memory.
        label = Buffer.from(text).toString();
        known.set(label, label);
      }
      labels.push(label);
    },
  };
}
