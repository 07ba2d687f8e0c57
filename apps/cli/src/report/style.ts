import { darkTheme, lightTheme, themeVariables } from './palette.ts';

/** The style sheet of the page. Paper is light whatever the screen is. */
export const style: string = `
:root{color-scheme:light;${themeVariables(lightTheme)}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${themeVariables(darkTheme)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
main{max-width:1200px;margin:0 auto;padding:16px 8px 40px}
h1{font-size:1.6rem;line-height:1.25;margin:0 8px 4px;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:32px 8px 12px}
h3{font-size:1rem;margin:0 0 4px}
p{margin:0 8px 8px}
.lede{color:var(--muted)}
.warnings{margin:16px 0 0;padding:10px 12px;background:var(--surface);border:1px solid var(--border);border-left:4px solid var(--warning);border-radius:6px}
.warnings h2{font-size:1rem;margin:0 0 4px;color:var(--warning)}
.warnings ul{margin:0;padding-left:20px;overflow-wrap:anywhere}
.figures{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,336px),1fr))}
figure,.card{margin:0;padding:12px 8px;background:var(--surface);border:1px solid var(--border);border-radius:6px;min-width:0}
figure{display:flex;flex-direction:column;gap:4px}
@supports (grid-template-rows:subgrid){.figures figure{display:grid;grid-template-rows:subgrid;grid-row:span 4;row-gap:4px}.figures>.card{grid-row:span 4;align-self:start}}
figure>svg{display:block;width:100%;height:auto;align-self:start}
figure svg text{font-family:inherit}
figcaption{font-size:.875rem;line-height:1.45;color:var(--muted);padding:0 4px;overflow-wrap:anywhere}
figure h3,.legend{padding:0 4px}
.legend{font-size:.8125rem}
.legend ul{display:flex;flex-wrap:wrap;gap:2px 14px;margin:0;padding:0;list-style:none}
.legend p{display:flex;align-items:center;gap:8px;margin:0}
.legend li{display:flex;align-items:center;gap:6px;min-width:0}
.legend span{overflow-wrap:anywhere}
.swatch{flex:none}
.empty{color:var(--muted);font-style:italic}
.tables{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,336px),1fr));align-items:start}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9375rem}
caption{text-align:left;font-weight:600;padding:0 4px 4px}
th{font-weight:400;text-align:left}
th,td{padding:4px;border-top:1px solid var(--grid);vertical-align:top}
.pairs{width:100%;display:table}
.pairs th{color:var(--muted)}
.pairs td{text-align:right;overflow-wrap:anywhere}
.card{overflow:hidden}
details.card,.figures+.card,.card+.tables{margin-top:12px}
.scroll{overflow-x:auto}
.grid td,.grid thead th{text-align:right;white-space:nowrap;padding-left:10px}
.grid thead th{font-weight:600;vertical-align:bottom}
.grid th:first-child{text-align:left;padding-left:4px;overflow-wrap:anywhere}
.classes th:first-child{min-width:6em}
summary{cursor:pointer;padding:0 4px}
details[open]>summary{margin-bottom:8px}
pre{margin:0;padding:4px;white-space:pre-wrap;overflow-wrap:anywhere;font:.875rem/1.5 ui-monospace,"SF Mono",Consolas,"DejaVu Sans Mono",monospace}
.note{font-size:.875rem;color:var(--muted);margin-top:12px}
:focus-visible{outline:2px solid var(--hue-0);outline-offset:2px}
@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}.figures{grid-template-columns:repeat(2,1fr)}figure,.card{break-inside:avoid}.scroll{overflow:visible}}
`.trim();
