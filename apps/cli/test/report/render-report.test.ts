import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/report/render-report.ts';
import { sampleReport } from './sample-report.ts';

const dynamics = [
  'loss',
  'hard',
  'diversity',
  'separation',
  'entropy',
  'usage',
  'temperature',
  'learning-rate',
  'phase',
];

/** The charts of a page, by the id of their figure. */
function charts(page: string): Map<string, string> {
  return new Map(
    [...page.matchAll(/<figure id="([^"]+)">([\s\S]*?)<\/figure>/g)].map(([, id, content]) => {
      const svg = (content as string).match(/<svg xmlns[\s\S]*<\/svg>/)?.[0];
      return [id as string, svg ?? ''];
    }),
  );
}

/** Throws unless tags are balanced, attributes quoted, and text free of stray `<` and `&`: enough XML for an SVG. */
function checkXml(source: string): void {
  const open: string[] = [];
  const token = /<(\/?)([A-Za-z]+)((?:\s+[A-Za-z_:][\w:.-]*="[^"<]*")*)\s*(\/?)>|([^<]+)|([\s\S])/g;
  for (const [all, closing, name, attributes, empty, text, stray] of source.matchAll(token)) {
    if (stray !== undefined)
      throw new Error(`stray ${stray} near ${source.slice(Math.max(0, source.indexOf(all) - 40))}`);
    const words = text ?? attributes ?? '';
    if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(words)) throw new Error(`unknown entity in ${words}`);
    if (text !== undefined) continue;
    if (closing === '/') {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> closes <${last}>`);
    } else if (empty === '') open.push(name as string);
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`);
}

describe('renderReport', () => {
  it('draws every chart, with a caption, as an accessible SVG of valid XML', () => {
    const page = renderReport(sampleReport({ classes: ['a', 'b', 'c', 'd'] }));
    const found = charts(page);
    expect([...found.keys()].sort()).toEqual([...dynamics, 'tokens-by-label', 'tokens-by-prototype'].sort());
    for (const [id, svg] of found) {
      expect(svg, id).toMatch(/^<svg [^>]*role="img" aria-labelledby="/);
      expect(svg, id).toMatch(/<title id="[^"]+">[^<]+<\/title><desc id="[^"]+">[^<]+<\/desc>/);
      expect(svg, id).not.toMatch(/NaN|undefined|Infinity/);
      expect(() => checkXml(svg), id).not.toThrow();
    }
    expect(page.match(/<figcaption>[^<]{40,}<\/figcaption>/g)).toHaveLength(found.size);
  });

  it('says how much of the variance the prototypes explain', () => {
    const page = renderReport(sampleReport({ classes: ['a', 'b'] }));
    expect(page).toContain('<th scope="row">Total variance of the tokens</th><td>5</td>');
    expect(page).toContain('<th scope="row">Variance explained</th><td>90.00 %</td>');
  });

  it('has no id twice and refers only to ids it has', () => {
    const page = renderReport(sampleReport({ classes: ['a', 'b'] }));
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] as string);
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...page.matchAll(/url\(#([^)]+)\)|aria-labelledby="([^"]+)"/g)].flatMap((match) =>
      (match[1] ?? match[2] ?? '').split(' '),
    );
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('refers to nothing outside itself and runs nothing', () => {
    const page = renderReport(sampleReport({ classes: ['a', 'b'] }));
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|\/\/[a-z]|<script|<link|<img|<iframe|@import|\bsrc=|\bhref=|\son[a-z]+=/i,
    );
    expect([...page.matchAll(/url\(([^)]*)\)/g)].filter((match) => !match[1]?.startsWith('#'))).toEqual([]);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  it('escapes every text that comes from outside', () => {
    const evil = `<script>alert("1")</script>&'\u0000`;
    const page = renderReport({
      ...sampleReport({ classes: [evil, 'b'] }),
      title: evil,
      perClass: [{ label: evil, tokens: 300, prototype: 1, recall: 0.5 }],
      settings: { [evil]: evil },
      versions: { [evil]: evil },
      warnings: [evil],
      command: evil,
    });
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u0000');
    const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\ufffd';
    // Title twice; class in legend, description and table; two settings; two versions; warning; command.
    expect(page.split(escaped).length - 1).toBe(11);
  });

  it('prints the final measurement, settings, command, versions and warnings', () => {
    const page = renderReport({
      ...sampleReport({ classes: ['a', 'b'] }),
      perClass: [
        { label: 'a', tokens: 300, prototype: 0, recall: 0.987 },
        { label: 'b', tokens: 300, recall: 0 },
      ],
      command: 'ddcl fit a.csv',
      versions: { '@ddcl/cli': '9.8.7' },
      warnings: ['distinct < K'],
    });
    const row = (name: string, value: string): string => `<th scope="row">${name}</th><td>${value}</td>`;
    for (const expected of [
      row('Tokens', '600'),
      row('Prototypes K', '4'),
      row('T / T_c', '0.01'),
      row('Hard quantization error', '0.5'),
      row('Smallest Hessian eigenvalue', '0.08'),
      row('Largest safe learning rate', '1.667'),
      row('Accuracy ACC', '91 %'),
      row('seed', '0'),
      row('@ddcl/cli', '9.8.7'),
      '<pre>ddcl fit a.csv</pre>',
      '<li>distinct &lt; K</li>',
      '<th scope="row">a</th><td>300</td><td>0</td><td>98.7 %</td>',
      '<th scope="row">b</th><td>300</td><td>none</td><td>0 %</td>',
    ]) {
      expect(page).toContain(expected);
    }
  });

  it('is the same bytes for the same report', () => {
    const report = sampleReport({ tokens: 5000, classes: ['a', 'b'] });
    expect(renderReport(report)).toBe(renderReport(report));
  });

  it.each([
    ['one prototype', { prototypes: 1 }],
    ['256 prototypes', { prototypes: 256, tokens: 1000 }],
    ['20 classes', { classes: Array.from({ length: 20 }, (_, index) => `class ${index}`) }],
    ['one record', { records: 1 }],
    ['one token', { tokens: 1, prototypes: 1 }],
  ])('draws %s', (_, options) => {
    const found = charts(renderReport(sampleReport(options)));
    expect(found.size).toBeGreaterThanOrEqual(10);
    for (const [id, svg] of found) {
      expect(svg, id).not.toMatch(/NaN|undefined|Infinity/);
      expect(() => checkXml(svg), id).not.toThrow();
    }
  });

  it('draws a fit without history, and values that are not finite', () => {
    expect(renderReport(sampleReport({ records: 0 }))).toContain('No history was recorded.');
    const report = sampleReport({ records: 3 });
    const history = report.history.map((record) => ({ ...record, entropy: NaN, temperature: Infinity }));
    const page = renderReport({ ...report, history, measures: { ...report.measures, criticalTemperature: 0 } });
    expect(page.match(/Nothing was recorded\./g)).toHaveLength(2);
  });

  it('stays small for a long history and many tokens', () => {
    const page = renderReport(sampleReport({ tokens: 100_000, records: 5000, classes: ['a', 'b', 'c'] }));
    expect(page.length).toBeLessThan(1_000_000);
    expect(page).toContain('Drawn are 2,000 of 100,000 tokens');
  });

  it('has a legend only where groups can be told apart', () => {
    expect(renderReport(sampleReport({ prototypes: 20 }))).toContain('prototype 19 (5 %)');
    expect(renderReport(sampleReport({ prototypes: 21 }))).not.toContain('prototype 20 (');
  });
});
