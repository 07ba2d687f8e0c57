const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/**
 * A text without HTML tags and comments, each replaced by a space, and with `&amp; &lt; &gt; &quot; &apos; &#39; &nbsp;` as characters. A tag is `<`, perhaps `/`, a letter,
 * and everything to the next `>`; `a < b` is none.
 */
export function stripHtml(text: string): string {
  return withoutComments(text)
    .replace(/<\/?[a-z][^<>]*>/gi, ' ')
    .replace(/&(amp|lt|gt|quot|apos|nbsp|#39);/g, (_, name: string) => entities[name] ?? "'");
}

/** Each comment as a space; one that is never closed is text. No regular expression: it would look for the end again from each of many starts. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  let at = 0;
  for (let start = text.indexOf('<!--'); start >= 0; start = text.indexOf('<!--', at)) {
    const end = text.indexOf('-->', start + 4);
    if (end < 0) break;
    kept.push(text.slice(at, start));
    at = end + 3;
  }
  return [...kept, text.slice(at)].join(' ');
}
