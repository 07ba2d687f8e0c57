/** What an error says, or its kind where it says nothing; of what was thrown that is no error, its text. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
