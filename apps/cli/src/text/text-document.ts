/** A text to encode, as `src/text` reads it. */
export interface TextDocument {
  readonly text: string;
  readonly label?: string;
  /** Its field `id`, or its path within a folder; left out where it has none. */
  readonly id?: string;
  /** As the file has it, where a date was asked for. */
  readonly time?: unknown;
  /** Where it stands, for messages: file and line or row. */
  readonly place: string;
}
