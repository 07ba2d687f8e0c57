import { requireText, spansFrom, type Span } from './span.ts';

/** A part of a Markdown text, from its heading to the next one of any level. */
export interface Section extends Span {
  /** 1 to 6; 0 for what stands before the first heading. */
  readonly level: number;
  /** Text of the heading, with its inline Markdown; empty at level 0. */
  readonly title: string;
}

/** What follows backticks has none: else it is code within a line. */
const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
/** Quotes and markers of lists that stand before what they hold (CommonMark 0.31, sections 5.1 and 5.2). */
const container = /^(?: {0,3}(?:>[ \t]?|(?:[-*+]|\d{1,9}[.)])[ \t]))*/;
const atx = /^ {0,3}(#{1,6})(?=[ \t]|$)/;
const setext = /^ {0,3}(=+|-+)[ \t]*$/;
/** Lines that no underline makes a heading of: quotes, lists, tables, indented code. */
const noTitle = /^(?: {4}|\t| {0,3}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|\|))/;

/**
 * Sections of a Markdown text: headings with `#` and with underlines (CommonMark 0.31, sections 4.2 and 4.3; an underlined heading takes its last line
 * only), but not within fenced code, nor in the fences of quotes and lists. They lie side by side and cover the text. An empty text has none.
 *
 * @throws DdclError `argument` for what is no text
 */
export function headings(text: string): Section[] {
  requireText(text);
  const found = new Map<number, { level: number; title: string }>();
  let open: OpenFence | undefined;
  let before: { readonly start: number; readonly line: string } | undefined;
  for (const { index: start, 0: whole } of text.matchAll(/[^\n]*\n|[^\n]+$/g)) {
    const line = whole.replace(/\r?\n$/, '');
    if (open !== undefined) {
      const inside = lineInside(open, line);
      if (inside !== undefined) {
        if (closes(open, inside)) open = undefined;
        before = undefined;
        continue;
      }
    }
    const outer = container.exec(line)![0];
    const mark = fence.exec(line.slice(outer.length))?.[1];
    open = mark === undefined ? undefined : { mark, isQuote: outer.includes('>'), indent: outer.length };
    const heading = mark === undefined ? atx.exec(line) : null;
    const underline = setext.exec(line)?.[1];
    if (heading !== null)
      found.set(start, { level: heading[1]!.length, title: atxTitle(line.slice(heading[0].length)) });
    else if (underline !== undefined && before !== undefined)
      found.set(before.start, { level: underline.startsWith('=') ? 1 : 2, title: before.line.trim() });
    const isParagraph =
      mark === undefined && heading === null && underline === undefined && line.trim() !== '' && !noTitle.test(line);
    before = isParagraph ? { start, line } : undefined;
  }
  return spansFrom(found.keys(), text.length).map((span) => ({
    ...span,
    ...(found.get(span.start) ?? { level: 0, title: '' }),
  }));
}

/** Fenced code that has begun. */
interface OpenFence {
  /** Its backticks or tildes. */
  readonly mark: string;
  /** Whether it stands in a quote. */
  readonly isQuote: boolean;
  /** Of the list that it stands in. */
  readonly indent: number;
}

/** A line of the fence's quote or list, without its marks; `undefined` for one that ends these, and the fence with them. */
function lineInside({ isQuote, indent }: OpenFence, line: string): string | undefined {
  if (isQuote) return /^ {0,3}>/.test(line) ? line.slice(container.exec(line)![0].length) : undefined;
  const spaces = /^[ \t]*/.exec(line)![0];
  if (spaces.length === line.length) return '';
  return spaces.length < indent && !spaces.includes('\t') ? undefined : line.slice(Math.min(indent, spaces.length));
}

function closes({ mark }: OpenFence, line: string): boolean {
  const own = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return own !== undefined && own[0] === mark[0] && own.length >= mark.length;
}

/** What stands after the opening `#`s, without those that close it. By hand: a regular expression takes the square of a run of spaces. */
function atxTitle(rest: string): string {
  const title = rest.trim();
  let end = title.length;
  while (title[end - 1] === '#') end--;
  return end === 0 || /[ \t]/.test(title[end - 1]!) ? title.slice(0, end).trimEnd() : title;
}
