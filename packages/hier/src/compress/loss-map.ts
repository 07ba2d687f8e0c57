import { DdclError } from '@ddcl/core';
import { escapeHtml } from '../html/escape-html.ts';
import { requireText, type Span } from '../segment/span.ts';

export interface LossMapOptions {
  /** Default `What was lost`. */
  readonly title?: string;
  /** Loss that is drawn as full colour. Default: the 98th percentile. */
  readonly most?: number;
}

/** Steps of colour. */
const levels = 10;
/** Bars of the course over the text, at most. */
const mostBars = 240;
const [width, height] = [1000, 120];

/**
 * A text with what compressing lost of each token, as an HTML page without a script that needs nothing else: the course over the text as SVG, and the text itself, darker where more was lost. The same input gives the same bytes.
 *
 * @param spans of each token in the text, ascending
 * @param lost of each token, such as `lost` of `compressTokens`
 * @throws DdclError `shape` for another number of losses; `data` for spans that do not ascend within the text, or losses that are not finite or below 0; `argument` for another scale
 */
export function lossMap(
  text: string,
  spans: readonly Span[],
  lost: ArrayLike<number>,
  options: LossMapOptions = {},
): string {
  requireText(text);
  if (spans.length !== lost.length)
    throw new DdclError('shape', `${spans.length} tokens need as many losses, but ${lost.length} came.`);
  let end = 0;
  spans.forEach((span, token) => {
    if (!(span.start >= end && span.end >= span.start && span.end <= text.length))
      throw new DdclError(
        'data',
        `Spans must ascend within the text's ${text.length} characters, but token ${token} (counted from 0) has ${span.start} to ${span.end}.`,
      );
    end = span.end;
    if (!(lost[token]! >= 0 && lost[token]! < Infinity))
      throw new DdclError(
        'data',
        `Losses must be finite and >= 0, but token ${token} (counted from 0) has ${lost[token]}.`,
      );
  });
  const sorted = Float64Array.from(lost).sort();
  const { title = 'What was lost', most = sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 1 } = options;
  if (!(most >= 0 && most < Infinity)) throw new DdclError('argument', `most must be a number >= 0, but is ${most}.`);
  const levelOf = (token: number): number =>
    most === 0 ? 0 : Math.min(levels - 1, Math.floor((levels * lost[token]!) / most));
  const parts: string[] = [];
  let at = 0;
  for (let token = 0; token < spans.length;) {
    const level = levelOf(token);
    const { start } = spans[token]!;
    parts.push(escapeHtml(text.slice(at, start)));
    // Neighbours of one colour are one piece.
    let last = token;
    while (last + 1 < spans.length && levelOf(last + 1) === level) last++;
    at = spans[last]!.end;
    const piece = escapeHtml(text.slice(start, at));
    parts.push(level === 0 ? piece : `<span class="l${level}">${piece}</span>`);
    token = last + 1;
  }
  parts.push(escapeHtml(text.slice(at)));
  const mean = sorted.length === 0 ? 0 : sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return page(
    title,
    `${spans.length.toLocaleString('en')} tokens; mean loss ${mean.toFixed(4)}, full colour from ${most.toFixed(4)}.`,
    course(lost, most),
    parts.join(''),
  );
}

/** The mean loss of each stretch of the text, as bars. */
function course(lost: ArrayLike<number>, most: number): string {
  const bars = Math.min(mostBars, lost.length);
  const wide = width / Math.max(1, bars);
  const rects = Array.from({ length: bars }, (_, bar) => {
    const [from, to] = [Math.floor((bar * lost.length) / bars), Math.floor(((bar + 1) * lost.length) / bars)];
    let total = 0;
    for (let token = from; token < to; token++) total += lost[token]!;
    const share = most === 0 ? 0 : Math.min(1, total / (to - from) / most);
    const high = (share * height).toFixed(1);
    return `<rect x="${(bar * wide).toFixed(2)}" y="${(height - Number(high)).toFixed(1)}" width="${(0.85 * wide).toFixed(2)}" height="${high}"/>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Mean loss along the text" preserveAspectRatio="none">${rects.join('')}</svg>`;
}

function page(title: string, caption: string, drawing: string, body: string): string {
  const shades = Array.from(
    { length: levels - 1 },
    (_, index) =>
      `.l${index + 1}{background:color-mix(in srgb,var(--lost) ${Math.round((70 * (index + 1)) / (levels - 1))}%,transparent)}`,
  );
  const legend = Array.from({ length: levels - 1 }, (_, index) => `<i class="l${index + 1}"></i>`).join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
:root{color-scheme:light dark;--page:light-dark(#f5f6f8,#101317);--surface:light-dark(#fff,#191d23);--ink:light-dark(#1b1f24,#e9ecf0);--muted:light-dark(#525964,#aab2bd);--border:light-dark(#d9dde3,#2f3640);--lost:light-dark(#d55e00,#ff8a3d)}
body{margin:0 auto;max-width:75rem;padding:16px;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.35rem;margin:0 0 4px}
p{margin:0 0 10px;color:var(--muted)}
section{background:var(--surface);border:1px solid var(--border);border-radius:8px;padding:12px;margin:0 0 12px}
svg{display:block;width:100%;height:120px;fill:var(--lost)}
.text{white-space:pre-wrap}
.text span{border-radius:2px}
.legend i{display:inline-block;width:18px;height:12px}
${shades.join('\n')}
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(caption)} <span class="legend">little ${legend} much</span></p>
<section>${drawing}<p>Mean loss along the text, from its beginning to its end.</p></section>
<section class="text">${body}</section>
</body>
</html>
`;
}
