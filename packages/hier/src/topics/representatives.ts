/** A document that stands for a topic. */
export interface Representative {
  readonly id: string;
  /** To the topic's prototype. */
  readonly distance: number;
  /** Its sentence with the most of the topic's words, or the text's beginning; at most 300 characters. */
  readonly sentence: string;
}

export interface NearestDocuments {
  add(index: number, id: string, topic: number, distance: number): void;
  /** Of each topic, nearest first. */
  result(): { readonly index: number; readonly id: string; readonly distance: number }[][];
}

/** The `count` nearest documents of each topic, over a stream; ties by id. */
export function nearestDocuments(topics: number, count: number): NearestDocuments {
  const lists: { index: number; id: string; distance: number }[][] = Array.from({ length: topics }, () => []);
  return {
    add(index, id, topic, distance) {
      const list = lists[topic]!;
      const isNearer = (other: (typeof list)[number]): boolean =>
        distance < other.distance || (distance === other.distance && id < other.id);
      if (count === 0 || (list.length === count && !isNearer(list.at(-1)!))) return;
      if (list.length === count) list.pop();
      const place = list.findIndex(isNearer);
      list.splice(place < 0 ? list.length : place, 0, { index, id, distance });
    },
    result: () => lists,
  };
}
