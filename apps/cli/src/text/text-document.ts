/** A text to encode, as `src/text` reads it. */
export interface TextDocument {
  readonly text: string;
  readonly label?: string;
  /** Where it stands, for messages: file and line or row. */
  readonly place: string;
}
