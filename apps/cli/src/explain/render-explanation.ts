import { escapeHtml } from '../report/escape-html.ts';
import { formatNumber } from '../report/format-number.ts';
import { htmlPage } from '../report/html-page.ts';
import { hue } from '../report/palette.ts';
import { pairs } from '../report/tables.ts';
import type { Explanation, Passage, PrototypeExplanation, ShownDocument, ShownToken } from './explanation.ts';

const css = `
.protos{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,336px),1fr));align-items:start}
.proto{border-left:6px solid var(--c);padding:12px}
.proto h3{display:flex;align-items:baseline;gap:8px;margin:0 0 6px}
.proto h3 .share{margin-left:auto;font-weight:400;color:var(--muted);font-variant-numeric:tabular-nums}
.bar{height:4px;border-radius:2px;background:var(--grid);margin:0 0 8px}
.bar i{display:block;height:4px;border-radius:2px;background:var(--c)}
.proto p{margin:0 0 6px;overflow-wrap:anywhere}
.proto .kind{color:var(--muted);font-size:.8125rem;display:block}
.words span{white-space:nowrap}
.words small{color:var(--muted)}
.proto ul{margin:0;padding:0;list-style:none;font-size:.875rem;line-height:1.4}
.proto li{border-top:1px solid var(--grid);padding:6px 0;overflow-wrap:anywhere}
mark{background:color-mix(in srgb,var(--c) 30%,transparent);color:inherit;border-radius:3px;padding:0 2px}
.place{color:var(--muted);font-size:.75rem;display:block}
.pick{display:flex;flex-wrap:wrap;gap:4px;margin:0 8px 12px}
.pick input{position:absolute;opacity:0;pointer-events:none}
.pick label{border:1px solid var(--border);border-bottom:3px solid var(--c,var(--axis));border-radius:4px;padding:1px 8px;background:var(--surface);cursor:pointer;font-size:.875rem;min-width:2.2em;text-align:center}
.pick input:checked+label{background:var(--ink);color:var(--page)}
.pick input:focus-visible+label{outline:2px solid var(--hue-0);outline-offset:2px}
main{overflow-x:clip}
.doc{overflow:visible;padding:12px;margin-bottom:12px;line-height:1.9;overflow-wrap:anywhere}
.doc h3{margin-bottom:8px}
.tok{position:relative;border-radius:3px;padding:1px 2px;background:color-mix(in srgb,var(--c) calc(var(--q)*45%),transparent);border-bottom:2px solid color-mix(in srgb,var(--c) calc(var(--q)*100%),transparent);cursor:default}
.tok.j{margin-left:-2px;padding-left:0;border-top-left-radius:0;border-bottom-left-radius:0}
.tok.sp{color:var(--muted);font-size:.8125rem}
.tok:hover::after,.tok:focus::after{content:attr(data-q);position:absolute;left:50%;transform:translateX(-50%);top:100%;z-index:1;white-space:pre;background:var(--ink);color:var(--page);font-size:.75rem;line-height:1.4;padding:4px 8px;border-radius:4px;pointer-events:none}
`;

/** A rule per prototype: where it is picked, the tokens of others fade. */
function pickRules(prototypes: readonly PrototypeExplanation[]): string {
  return prototypes
    .map(
      ({ prototype: k }) =>
        `main:has(#pick-${k}:checked) .tok:not(.k${k}){background:none;border-color:transparent;color:var(--muted)}`,
    )
    .join('\n');
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

/**
 * What prototypes stand for, as one HTML page that needs nothing else: no script, no request. Prototypes by share, then documents as heat
 * maps; picking a prototype shows its tokens. The same explanation gives the same bytes.
 *
 * @param title what was explained
 */
export function renderExplanation(title: string, explanation: Explanation, command: string): string {
  const { prototypes, shown, documents, ofDocuments, tokens, dimension } = explanation;
  const lede = `${formatNumber(prototypes.length)} prototypes on ${formatNumber(tokens)} tokens of ${documents < ofDocuments ? `the first ${formatNumber(documents)} of ${formatNumber(ofDocuments)}` : formatNumber(documents)} documents.`;
  const body = [
    `<header>\n<h1>${escapeHtml(title)}</h1>\n<p class="lede">${escapeHtml(lede)}</p>\n</header>`,
    `<div class="tables">${pairs('Readout', [
      ['prototypes K', formatNumber(prototypes.length)],
      ['hidden size m', formatNumber(dimension)],
      ['temperature T', formatNumber(explanation.temperature)],
      ['T / critical temperature', formatNumber(explanation.temperature / explanation.criticalTemperature)],
    ])}${pairs('In these texts', [
      ['perplexity of the mean assignment', formatNumber(explanation.perplexity)],
      ['entropy of a token, nats', formatNumber(explanation.entropy)],
      ['largest share', percent(prototypes[0]!.share)],
      ['smallest share', percent(prototypes.at(-1)!.share)],
    ])}</div>`,
    '<section aria-labelledby="prototypes">\n<h2 id="prototypes">Prototypes, by share</h2>',
    `<div class="protos">\n${prototypes.map((each) => prototypeCard(each, prototypes[0]!.share)).join('\n')}\n</div>\n</section>`,
    shown.length === 0 ? '' : documentsSection(shown, prototypes),
    `<section aria-labelledby="origin">\n<h2 id="origin">How it was made</h2>\n<div class="card"><h3>Command</h3><pre>${escapeHtml(command)}</pre></div>\n</section>`,
  ];
  return htmlPage(title, body.filter((part) => part !== '').join('\n'), {
    more: css + pickRules(prototypes),
  });
}

function prototypeCard(
  { prototype, share, frequent, nearest, passages }: PrototypeExplanation,
  largest: number,
): string {
  const words = frequent.map(
    ({ word, count }) => `<span>${escapeHtml(word)} <small>${formatNumber(count)}</small></span>`,
  );
  const lines = [
    `<div class="card proto" style="--c:${hue(prototype)}" id="p${prototype}">`,
    `<h3>Prototype ${prototype}<span class="share">${percent(share)}</span></h3>`,
    `<div class="bar"><i style="width:${((100 * share) / largest).toFixed(1)}%"></i></div>`,
    words.length === 0
      ? '<p class="empty">No token has it as its most probable prototype.</p>'
      : `<p class="words"><span class="kind">most often</span>${words.join(', ')}</p>`,
    nearest.length === 0
      ? ''
      : `<p class="words"><span class="kind">nearest</span>${nearest.map((word) => `<span>${escapeHtml(word)}</span>`).join(', ')}</p>`,
    passages.length === 0 ? '' : `<ul>${passages.map(passageItem).join('')}</ul>`,
    '</div>',
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function passageItem({ before, word, after, place, assignment }: Passage): string {
  return `<li>${escapeHtml(before)} <mark>${escapeHtml(word)}</mark> ${escapeHtml(after)}<span class="place">${escapeHtml(place)}, assignment ${assignment.toFixed(2)}</span></li>`;
}

function documentsSection(shown: readonly ShownDocument[], prototypes: readonly PrototypeExplanation[]): string {
  const picks = [
    '<input type="radio" name="pick" id="pick-all" checked><label for="pick-all">all</label>',
    ...prototypes.map(
      ({ prototype: k }) =>
        `<input type="radio" name="pick" id="pick-${k}"><label for="pick-${k}" style="--c:${hue(k)}">${k}</label>`,
    ),
  ];
  return `<section aria-labelledby="documents">
<h2 id="documents">Documents, each token in the colour of its most probable prototype</h2>
<p class="lede">Stronger colour is a larger assignment. Colours repeat after ten prototypes: pick one to see its tokens alone; hover over a token, or tap it, for its
prototypes.</p>
<div class="pick">${picks.join('')}</div>
${shown.map(documentCard).join('\n')}
</section>`;
}

function documentCard({ place, label, tokens }: ShownDocument): string {
  const title = label === undefined ? place : `${place}, label ${label}`;
  return `<div class="card doc"><h3>${escapeHtml(title)}</h3>${tokens.map(tokenSpan).join('')}</div>`;
}

function tokenSpan({ text, joined, special, assignments }: ShownToken): string {
  const [k = 0, q = 0] = assignments[0] ?? [];
  const tip = assignments.map(([prototype, own]) => `${prototype}: ${own.toFixed(2)}`).join('\n');
  return `${joined ? '' : ' '}<span tabindex="0" class="tok k${k}${special ? ' sp' : ''}${joined ? ' j' : ''}" style="--c:${hue(k)};--q:${q.toFixed(2)}" data-q="${escapeHtml(tip)}">${escapeHtml(text)}</span>`;
}
