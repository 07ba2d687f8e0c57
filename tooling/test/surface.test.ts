import { gzipSync } from 'node:zlib';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { hiddenTypes, publicDeclarations } from '../structure/declarations.ts';
import { publishedEntries, root } from '../structure/entries.ts';
import { bundleBudgets, mostRootNames } from '../structure/budgets.ts';

/*
 * The public surface as text: `npm test -- --project tooling test/surface -u` writes docs/surface anew, and a change of it is seen in
 * review. It reads the built types.
 */

const entries = publishedEntries();

describe.each(entries.map((entry) => [entry.specifier, entry] as const))(
  '%s',
  (_, { slug, specifier, types, code }) => {
    it('gives what docs/surface says', async () => {
      const declarations = [...publicDeclarations(types)].map(([name, { name: own, text }]) =>
        name === own ? text : `${text}\n// as ${name}`,
      );
      await expect(`${declarations.join('\n\n')}\n`).toMatchFileSnapshot(join(root, 'docs/surface', `${slug}.txt`));
    });

    it('keeps its budget of bytes', async () => {
      const { outputFiles } = await build({
        entryPoints: [code],
        bundle: true,
        write: false,
        minify: true,
        format: 'esm',
        platform: 'neutral',
        external: ['onnxruntime-*', 'vitest', 'vitest/*', 'node:*'],
        logLevel: 'silent',
      });
      const kilobytes = gzipSync(outputFiles[0]!.contents).length / 1000;
      const budget = bundleBudgets[specifier];
      expect(
        budget,
        `${specifier} has no budget in tooling/structure/budgets.ts; it takes ${kilobytes.toFixed(1)} kB`,
      ).toBeDefined();
      expect(kilobytes, 'kB, minified and compressed by gzip').toBeLessThanOrEqual(budget!);
      // A budget far above what is needed holds nothing.
      expect(kilobytes).toBeGreaterThan(budget! / 1.5);
    });
  },
);

it.each([...new Set(entries.map((entry) => entry.package))])('%s exports the types that its signatures use', (name) => {
  expect(hiddenTypes(entries.filter((entry) => entry.package === name).map(({ types }) => types))).toEqual([]);
});

it('keeps the root of core small', () => {
  const [core] = entries.filter(({ specifier }) => specifier === '@ddcl/core');
  expect(publicDeclarations(core!.types).size).toBeLessThanOrEqual(mostRootNames);
});

it('has no text of an entry that is gone', () => {
  expect(readdirSync(join(root, 'docs/surface')).sort()).toEqual(entries.map(({ slug }) => `${slug}.txt`).sort());
});
