import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { expect, it } from 'vitest';
import { explainMissing, findChromium } from '../../../../tooling/chromium.mjs';
import { tokenizerSettings } from '../../src/encoder/tokenizer-settings.ts';

const fixtures = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures', 'tokenizers.json.gz'))).toString('utf8'),
) as { texts: string[]; tokenizers: { name: string; json: object; ids: number[][] }[] };

/** What the page is given, and what it answers: the ids of each tokenizer. */
type Ask = (given: { texts: readonly string[]; jsons: readonly object[] }) => Promise<number[][][]>;

const found = findChromium();
if (found === undefined && !process.env['CI']) {
  process.stderr.write(`ddcl: skipped tokenizers in the browser: ${explainMissing()}\n`);
}

// The ids do not depend on where the reference runs: floating-point scores, regular expressions and tables of characters come with it.
it.skipIf(found === undefined && !process.env['CI'])('Chromium gives the same ids', { timeout: 120_000 }, async () => {
  if (found === undefined) throw new Error(explainMissing());
  const browser = await chromium.launch({ executablePath: found, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    // The library asks where it was loaded from.
    await page.setContent('<base href="http://localhost/">');
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('@mlc-ai/web-tokenizers') });
    const settings = fixtures.tokenizers.map(({ json }) => tokenizerSettings(json, {}));
    const ask = `async ({ texts, jsons }) => Promise.all(jsons.map(async (json) => {
      const tokenizer = await tokenizers.Tokenizer.fromJSON(new TextEncoder().encode(JSON.stringify(json)).buffer);
      return texts.map((text) => [...tokenizer.encode(text)]);
    }))`;
    const given = { texts: fixtures.texts, jsons: settings.map(({ json }) => json) };
    // oxlint-disable-next-line no-eval
    const ids = await page.evaluate((0, eval)(ask) as Ask, given);
    ids.forEach((each, index) => {
      const { before, after } = settings[index]!;
      expect(each.map((body) => [...before, ...body, ...after])).toEqual(fixtures.tokenizers[index]!.ids);
    });
  } finally {
    await browser.close();
  }
});
