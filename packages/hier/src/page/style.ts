/** The style sheet of a page of topics. */
export const style: string = `
:root{color-scheme:light dark;--page:light-dark(#f5f6f8,#101317);--surface:light-dark(#fff,#191d23);--ink:light-dark(#1b1f24,#e9ecf0);--muted:light-dark(#525964,#aab2bd);--grid:light-dark(#e4e7eb,#2b313a);--border:light-dark(#d9dde3,#2f3640);--faded:light-dark(#d8dce2,#333a44);--accent:light-dark(#0072b2,#4aa8e0)}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%;overflow-wrap:anywhere}
header{padding:14px 16px 4px}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 2px}
h2{font-size:1.05rem;margin:0 0 6px}
h3{font-size:.9rem;margin:12px 0 4px}
p{margin:0 0 6px}
.muted,#count,.id,cite{color:var(--muted);font-size:.875rem}
.tools{position:sticky;top:0;z-index:2;display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;padding:8px 16px;background:var(--page);border-bottom:1px solid var(--border)}
.tools input[type=search]{flex:1 1 220px;min-width:0;max-width:520px}
.tools label{display:flex;gap:6px;align-items:center;font-size:.9rem}
input,button{font:inherit;color:inherit;background:var(--surface);border:1px solid var(--border);border-radius:6px;padding:6px 10px}
button{cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
main{display:grid;gap:12px;padding:12px 16px 40px;grid-template-columns:minmax(0,1fr);max-width:1500px;margin:0 auto}
section{background:var(--surface);border:1px solid var(--border);border-radius:8px;padding:12px;min-width:0}
.map{position:relative}
#map{display:block;width:100%;height:min(92vw,440px);touch-action:pan-y;cursor:crosshair}
.zoom{position:absolute;right:10px;top:10px;display:flex;gap:4px}
.zoom button{width:36px;height:36px;padding:0;font-size:1.1rem;line-height:1}
.swatch{flex:none;display:inline-block;width:11px;height:11px;border-radius:50%}
#topics{list-style:none;margin:0;padding:0;max-height:290px;overflow-y:auto}
#topics button{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:2px 8px;align-items:center;width:100%;text-align:left;border:0;border-radius:6px;padding:5px 8px}
#topics button:hover{background:var(--page)}
#topics button[aria-pressed=true]{background:var(--grid);font-weight:600}
#topics .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.9375rem}
.share{color:var(--muted);font-size:.8125rem;font-variant-numeric:tabular-nums}
.bar{display:block;height:4px;border-radius:2px;background:var(--grid)}
#topics .bar{grid-column:2/4}
.bar b{display:block;height:4px;border-radius:2px}
.words{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:4px 14px;font-size:.9rem}
blockquote{margin:0 0 8px;padding:0 0 0 10px;border-left:3px solid var(--grid);font-size:.9rem}
cite{display:block;font-style:normal;font-size:.8rem}
#tree{overflow-x:auto;max-height:520px;overflow-y:auto}
#tree svg{display:block}
#tree g{cursor:pointer}
#tree .leaf{fill:var(--ink);font:13px system-ui,sans-serif}
#tree .off{fill:var(--muted);opacity:.55}
#tree path{fill:none}
#tree .touch{stroke:transparent;stroke-width:11}
#tree .join{stroke:var(--muted);stroke-width:1.4}
#tree .on,#tree g:hover .join{stroke:var(--accent);stroke-width:2.4}
#time{display:block;width:100%;height:220px}
#documents,#opened{list-style:none;margin:0;padding:0}
#documents li,#opened li{padding:8px 0;border-top:1px solid var(--grid);font-size:.9375rem}
#documents p,#opened p{margin:2px 0 0;white-space:pre-line;max-width:90ch}
#opened{border:1px solid var(--accent);border-radius:6px;padding:0 10px;margin:8px 0 0;max-height:260px;overflow-y:auto}
#opened li{border:0}
.head{display:flex;flex-wrap:wrap;gap:2px 8px;align-items:center;font-size:.875rem}
.head .name{font-weight:600}
.tag{border:1px solid var(--border);border-radius:4px;padding:0 5px;font-size:.75rem;color:var(--muted)}
mark{background:light-dark(#ffe58a,#6b5a12);color:inherit;border-radius:2px}
.link{border:0;background:none;padding:0;color:var(--accent);text-decoration:underline}
@media (min-width:900px){main{grid-template-columns:minmax(0,7fr) minmax(0,5fr)}#map{height:560px}.wide{grid-column:1/3}#topics{max-height:560px}.side{grid-column:2;grid-row:1}main:has(#time-section[hidden]) #tree-section{grid-column:1/3}}
`.trim();
