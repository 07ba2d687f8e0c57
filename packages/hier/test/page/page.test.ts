import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRandom } from '@ddcl/core';
import { chromium, type Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainMissing, findChromium } from '../../../../tooling/chromium.mjs';
import { principalMap } from '../../src/page/principal-map.ts';
import { topicsPage, type PageDocument } from '../../src/page/topics-page.ts';
import { umapMap, type UmapClass } from '../../src/page/umap-map.ts';
import type { TopicDocument } from '../../src/topics/gather.ts';
import { topics, type TopicView } from '../../src/topics/topics.ts';

const attack =
  '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"><!-- \u2028 \ud800 &amp;';
const count = 90;
const prototypes = [0, 0, 0, 4, 4, 0];
const names = ['rocket moon', 'apple p\u00eache', 'engine wheel'];
const random = createRandom(1);
const vectors = Float32Array.from(
  { length: 2 * count },
  (_, index) => prototypes[2 * (Math.floor(index / 2) % 3) + (index % 2)]! + 0.3 * random.normal(),
);
const documents = (): TopicDocument[] =>
  Array.from({ length: count }, (_, index) => ({
    id: index === 7 ? attack : `d${index}`,
    text:
      index === 5
        ? attack
        : index === 6
          ? ''
          : `Text ${index} with ${names[index % 3]}. ${'More words. '.repeat(index)}`,
    topic: index % 3,
    q: [0, 1, 2].map((k) => (k === index % 3 ? 1 : 0)),
    entropy: index / count,
    distance: 1,
    time: index === 3 ? 'some day' : new Date(Date.UTC(2001, index % 20)),
  }));

async function pageOf(view: TopicView, rows: readonly Partial<PageDocument>[] = [], title = attack): Promise<string> {
  const { positions, made } = principalMap(vectors, 2);
  let page = '';
  const all = documents().map((document, index): PageDocument => ({
    ...document,
    position: positions.subarray(2 * index, 2 * index + 2),
    outlier: view.outliers.flags[index] === 1,
    ...rows[index],
  }));
  for await (const piece of topicsPage(view, all, { title, map: made, textLength: 400 })) page += piece;
  return page;
}
const viewOf = (): Promise<TopicView> => topics(prototypes, 3, documents, { outliers: { share: 0.1 } });

const found = findChromium();
describe.skipIf(found === undefined && process.env['CI'] === undefined)('the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ddcl-topics-'));
  const file = join(folder, 'topics.html');
  let browser: Browser;
  beforeAll(async () => {
    if (found === undefined) throw new Error(explainMissing());
    writeFileSync(file, await pageOf(await viewOf()));
    browser = await chromium.launch({ executablePath: found });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [1280, 'light'],
    [390, 'dark'],
  ] as const)(
    'shows topics, finds documents and runs nothing of theirs, %d pixels wide',
    async (width, colorScheme) => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('request', (request) => request.url() !== pathToFileURL(file).href && complaints.push(request.url()));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(pathToFileURL(file).href);
      await page.waitForFunction(() => document.body.dataset['ready'] === 'true');
      const counted = (): Promise<string> => page.locator('#count').innerText();
      const text = (id: string): Promise<string> => page.locator(id).innerText();
      expect(await counted()).toBe('90 documents');
      expect(await text('h1')).toContain('</script><script>window.hacked = 1');
      expect(await page.locator('#documents li').count()).toBe(20);
      await page.click('#more');
      expect(await page.locator('#documents li').count()).toBe(40);

      await page.fill('#query', 'PECHE');
      expect(await counted()).toBe('30 of 90 documents');
      expect(await page.locator('#topics button').count()).toBe(3);
      await page.fill('#query', 'eche');
      expect(await counted()).toBe('0 of 90 documents');
      await page.fill('#query', 'roc moo');
      expect(await counted()).toBe('29 of 90 documents');
      expect(await page.locator('#documents mark').first().innerText()).toBe('roc');
      await page.check('#outliers');
      expect(await counted()).toBe('3 of 90 documents');
      await page.click('#clear');
      expect(await counted()).toBe('90 documents');

      await page.locator('#topics button', { hasText: 'engine' }).click();
      expect(await counted()).toBe('30 of 90 documents');
      expect(await text('#detail')).toContain('30 documents');
      await page.locator('#topics button', { hasText: 'engine' }).click();
      expect(await page.locator('#detail').isHidden()).toBe(true);
      // The bracket that joins all three.
      await page.locator('#tree g[aria-label="choose these 3 topics"]').focus();
      await page.keyboard.press('Enter');
      expect(await counted()).toBe('90 documents');
      await page.click('#clear');

      // A point of the map opens its document.
      const opened = await page.evaluate(async () => {
        const canvas = document.getElementById('map') as HTMLCanvasElement;
        const { left, top, width: wide, height: high } = canvas.getBoundingClientRect();
        for (let x = 20; x < wide; x += 12)
          for (let y = 20; y < high; y += 12) {
            canvas.dispatchEvent(new MouseEvent('click', { clientX: left + x, clientY: top + y }));
            if (!document.getElementById('opened')!.hidden) return document.getElementById('opened')!.innerText;
          }
        return '';
      });
      expect(opened).toMatch(/d\d+/);
      for (const id of ['map', 'time']) {
        const colours = await page.locator(`#${id}`).evaluate((canvas: HTMLCanvasElement) => {
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        });
        expect(colours, id).toBeGreaterThan(3);
      }
      expect(await text('#time-note')).toContain('89 with a date; 1 dates could not be read');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
      expect(complaints).toEqual([]);
      await context.close();
    },
  );
});

describe('the file', () => {
  it('is the same for the same input, and holds no text of the data that could end a script', async () => {
    const view = await viewOf();
    const page = await pageOf(view);
    expect(await pageOf(view)).toBe(page);
    expect(page.match(/<\/script/g)).toHaveLength(3);
    expect(page).not.toContain('<img');
    const merged = await topics(prototypes, 3, documents, { mergeTo: 1 });
    expect(await pageOf(merged, [], 'One')).toContain('"tree":0,');
  });

  it('has no more of a text than it was told to', async () => {
    const rows = JSON.parse(/id="documents-data">([^<]*)</.exec(await pageOf(await viewOf()))![1]!) as [
      string,
      number,
      number,
      number,
      number,
      string,
    ][];
    expect(rows).toHaveLength(count);
    const fewer = await pageOf(await viewOf(), [{ topic: -1 }]);
    expect(fewer.match(/\n,?\["d/g)).toHaveLength(count - 2);
    expect(Math.max(...rows.map((row) => row[5].length))).toBeLessThanOrEqual(401);
    const astral = await pageOf(await viewOf(), [{ text: `a${'\u{1f600}'.repeat(300)}` }]);
    expect(astral).toContain(`"a${'\u{1f600}'.repeat(199)}\u2026"`);
  });
});

describe('maps', () => {
  it('are the principal axes, with their share of the variance', () => {
    const rows = Float32Array.of(3, 0, 0, -3, 0, 0, 0, 1, 0, 0, -1, 0);
    const { positions, made } = principalMap(rows, 3);
    expect([...positions].map((value) => Math.round(1e6 * value) / 1e6 + 0)).toEqual([3, 0, -3, 0, 0, 1, 0, -1]);
    expect(made).toBe('its place on the two principal axes, which hold 100 % of the variance');
    expect([...principalMap(Float32Array.of(1, 3), 1).positions]).toEqual([-1, 0, 1, 0]);
  });

  /** A map that is known: the rows themselves. */
  class Identity {
    readonly options: unknown;
    constructor(options: unknown) {
      this.options = options;
    }
    fit(rows: number[][]): number[][] {
      return rows;
    }
  }
  it('by UMAP place documents outside the sample among those of their topic', () => {
    const topicOf = Array.from({ length: count }, (_, index) => index % 3);
    const all = umapMap(Identity as UmapClass, vectors, 2, { topics: topicOf });
    expect(all.positions).toEqual(vectors);
    const part = umapMap(Identity as UmapClass, vectors, 2, { topics: topicOf, sample: 45, seed: 3 });
    expect(part.made).toBe('its place on a map by UMAP of 45 of them');
    expect(umapMap(Identity as UmapClass, vectors, 2, { topics: topicOf, sample: 45, seed: 3 })).toEqual(part);
    for (let index = 0; index < part.positions.length; index++)
      expect(
        Math.abs(part.positions[index]! - prototypes[2 * (Math.floor(index / 2) % 3) + (index % 2)]!),
      ).toBeLessThan(1.5);
    expect(umapMap(Identity as UmapClass, vectors.subarray(0, 8), 2, { topics: [0, 1, 2, 0] }).made).toContain(
      'UMAP takes 10 documents or more',
    );
  });
});

describe('bad input', () => {
  it.each<readonly [what: () => unknown, message: string]>([
    [() => principalMap(new Float32Array(3), 2), 'Vectors are rows of 2 numbers, but 3 numbers came.'],
    [() => principalMap(new Float32Array(0), 2), 'A map needs documents, but none came. Give at least one.'],
    [() => principalMap(Float32Array.of(1, NaN), 1), 'Vectors must be finite, but row 1 (counted from 0) has NaN.'],
    [
      () => principalMap(new Float32Array(2049), 2049),
      'A map by principal axes takes vectors of at most 2048 numbers, but these have 2049. Project them first.',
    ],
    [
      () => umapMap(Object as never, new Float32Array(2), 1, { topics: [0] }),
      '2 documents need as many topics, but 1 came.',
    ],
    [
      () => umapMap(Object as never, new Float32Array(2), 1, { topics: [0, 0], sample: 3 }),
      'sample must be a whole number >= 10, but is 3.',
    ],
  ])('of maps, case %#', (what, message) => {
    expect(what).toThrow(expect.objectContaining({ message }));
  });

  it.each<readonly [row: Partial<PageDocument>, message: string]>([
    [{ topic: 3, id: 'x' }, 'Document "x" has topic 3, but there are 3.'],
    [
      { position: [1], id: 'x' },
      'Document "x" needs a place of two finite numbers on the map, but has 1 and undefined.',
    ],
  ])('of the page: %j', async (row, message) => {
    await expect(pageOf(await viewOf(), [row])).rejects.toThrow(expect.objectContaining({ message }));
  });
  it('of the page: no documents, no length', async () => {
    const view = await viewOf();
    const read = async (options: object): Promise<void> => {
      for await (const piece of topicsPage(view, [], options)) expect(piece).not.toBe('');
    };
    await expect(read({})).rejects.toThrow('A page of topics needs documents, but none came. Give at least one.');
    await expect(read({ textLength: 0 })).rejects.toThrow('textLength must be a whole number >= 1, but is 0.');
  });
});
