import type { Corpus } from './data.ts';
import { createSearch } from './search.ts';

/** Which documents are shown: of some topics, found by a query, outliers alone. */
export interface Selection {
  /** Undefined for all. */
  readonly topics: ReadonlySet<number> | undefined;
  readonly query: string;
  readonly outliersOnly: boolean;
  /** The document that is shown whole. */
  readonly opened: number | undefined;
  /** Of the documents that are shown, in their order. */
  readonly shown: readonly number[];
  has(index: number): boolean;
  isAll(): boolean;
  /** Chosen topics; the same ones again mean all. */
  choose(topics: readonly number[]): void;
  search(query: string): void;
  onlyOutliers(only: boolean): void;
  open(index: number | undefined): void;
}

export function createSelection({ rows }: Corpus, onChange: () => void): Selection {
  const search = createSearch(rows);
  const flags = new Uint8Array(rows.length).fill(1);
  let topics: ReadonlySet<number> | undefined;
  let [query, outliersOnly] = ['', false];
  let opened: number | undefined;
  let shown: number[] = [...rows.keys()];

  function update(): void {
    const finds = search(query);
    shown = [];
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]!;
      const is = (topics?.has(row[1]) ?? true) && (!outliersOnly || row[4] === 1) && finds(index);
      flags[index] = is ? 1 : 0;
      if (is) shown.push(index);
    }
    onChange();
  }
  return {
    get topics() {
      return topics;
    },
    get query() {
      return query;
    },
    get outliersOnly() {
      return outliersOnly;
    },
    get opened() {
      return opened;
    },
    get shown() {
      return shown;
    },
    has: (index) => flags[index] === 1,
    isAll: () => shown.length === rows.length,
    choose(chosen) {
      const isSame =
        topics !== undefined && topics.size === chosen.length && chosen.every((topic) => topics!.has(topic));
      topics = isSame || chosen.length === 0 ? undefined : new Set(chosen);
      opened = undefined;
      update();
    },
    search(text) {
      query = text;
      opened = undefined;
      update();
    },
    onlyOutliers(only) {
      outliersOnly = only;
      update();
    },
    open(index) {
      opened = index;
      onChange();
    },
  };
}
