import type { Finding } from './finding.ts';

/** What a worker is to do: inputs `[first, end)` of a reader, or as many that are given. */
export interface Task {
  readonly reader: string;
  readonly seed: number;
  readonly first: number;
  readonly end: number;
  readonly given?: readonly Uint8Array[];
  /** Where it stands, for those who wait: number of the input, and of those accepted and refused. */
  readonly state: Int32Array;
}

export const places = { index: 0, accepted: 1, refused: 2, length: 3 } as const;

export interface Found {
  readonly index: number;
  readonly finding: Finding;
}
