const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/**
 * A text without HTML tags and comments, each replaced by a space, and with `&amp; &lt; &gt; &quot; &apos; &#39; &nbsp;` as characters. A tag is `<`, perhaps `/`, a letter,
 * and everything to the next `>`; `a < b` is none.
 */
export function stripHtml(text: string): string {
  return text
    .replace(/<!--.*?-->/gs, ' ')
    .replace(/<\/?[a-z][^<>]*>/gi, ' ')
    .replace(/&(amp|lt|gt|quot|apos|nbsp|#39);/g, (_, name: string) => entities[name] ?? "'");
}
