import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/* The script of the pages is bundled from packages/hier/page into the package, which needs no bundler then: `npm test -- --project hier test/page/client -u` makes it anew. */
it('the script of the page is what its sources say', async () => {
  const { outputFiles } = await build({
    entryPoints: [file('page/main.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    charset: 'ascii',
    logLevel: 'silent',
  });
  const script = outputFiles[0]!.text.trim();
  // It stands between script tags.
  expect(script).not.toMatch(/<\/script|<!--/i);
  const hash = `sha256-${createHash('sha256').update(script).digest('base64')}`;
  const source = [
    '// Made from packages/hier/page; see test/page/client.test.ts.',
    '',
    `export const clientScript: string = ${JSON.stringify(script)};`,
    '',
    '/** For the policy of the page. */',
    `export const clientHash: string = '${hash}';`,
    '',
  ].join('\n');
  await expect(source).toMatchFileSnapshot(file('src/page/client-script.ts'));
});
