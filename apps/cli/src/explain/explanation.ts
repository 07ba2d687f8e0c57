/** A word and how often it occurs, however many tokens it has. */
export interface WordEntry {
  readonly word: string;
  readonly count: number;
}

/** A token with the words around it. */
export interface Passage {
  readonly before: string;
  /** The word that the token belongs to. */
  readonly word: string;
  readonly after: string;
  /** Where the document stands. */
  readonly place: string;
  /** Assignment of the token to the prototype, 0..1. */
  readonly assignment: number;
}

/** What one prototype stands for. */
export interface PrototypeExplanation {
  /** Number of the prototype, from 0. */
  readonly prototype: number;
  /** Mean assignment of all tokens to it: its occupancy over the texts. */
  readonly share: number;
  /** Words whose tokens have it as their most probable prototype, most often first. */
  readonly frequent: readonly WordEntry[];
  /** Words of its nearest tokens, each word once, nearest first. */
  readonly nearest: readonly string[];
  /** Around its nearest tokens, from different documents. */
  readonly passages: readonly Passage[];
}

/** One token of a document that is shown whole. */
export interface ShownToken {
  /** Text to show; without the `##` of a piece that goes on. */
  readonly text: string;
  /** Whether it is glued to the token before. */
  readonly joined: boolean;
  readonly special: boolean;
  /** The most probable prototypes, at most three: number and assignment. */
  readonly assignments: readonly (readonly [prototype: number, assignment: number])[];
}

export interface ShownDocument {
  readonly place: string;
  readonly label: string | undefined;
  readonly tokens: readonly ShownToken[];
}

/** What a readout's prototypes stand for in some texts. */
export interface Explanation {
  /** Documents that were looked at, of how many. */
  readonly documents: number;
  readonly ofDocuments: number;
  readonly tokens: number;
  readonly dimension: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  /** Mean entropy of the assignments of a token, nats. */
  readonly entropy: number;
  /** exp of the entropy of the mean assignment: how many prototypes are in use, 1..K. */
  readonly perplexity: number;
  /** Largest share first. */
  readonly prototypes: readonly PrototypeExplanation[];
  readonly shown: readonly ShownDocument[];
}
