/** What a page of topics knows of a topic. */
export interface PageTopic {
  readonly id: number;
  readonly label: string;
  readonly words: readonly (readonly [word: string, score: number])[];
  readonly size: number;
  readonly share: number;
  readonly outliers: number;
  /** Null for fewer than two words. */
  readonly npmi: number | null;
  readonly documents: readonly (readonly [id: string, sentence: string])[];
}

/** A topic by its place, or two nodes and the height of their union. */
export type PageTree = number | readonly [first: PageTree, second: PageTree, height: number];

export interface PageTime {
  readonly period: string;
  /** Milliseconds since 1970, UTC. */
  readonly starts: readonly number[];
  /** Of each topic, in each bin. */
  readonly counts: readonly (readonly number[])[];
  readonly dated: number;
  readonly unreadable: number;
}

export interface PageData {
  readonly title: string;
  readonly topics: readonly PageTopic[];
  readonly tree: PageTree;
  readonly time: PageTime | null;
  /** In all, of which the page may have fewer. */
  readonly documents: number;
  readonly outliers: number;
  readonly coherence: number | null;
  readonly diversity: number | null;
  /** Most characters of a document that are kept. */
  readonly textLength: number;
  /** How the map was made. */
  readonly map: string;
}

/** A document: its topic by place; whether it is an outlier; what is kept of its text; its date as `1993-04-22`, or empty. */
export type PageRow = readonly [
  id: string,
  topic: number,
  x: number,
  y: number,
  outlier: 0 | 1,
  text: string,
  date: string,
];
