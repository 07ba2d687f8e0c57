// The last step of the command line's build: libraries of which little is used are put into `dist`, so that users install that little
// (docs/decisions/0071-bundled-libraries.md). Type-checked through JSDoc.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const cli = join(dirname(dirname(fileURLToPath(import.meta.url))), 'apps/cli');
const dist = join(cli, 'dist');

/** Modules that re-export what is used of a library. */
const bundled = ['report/echarts', 'encoder/hub'];

// From the sources, since a second run would find its own result in `dist`.
const { metafile } = await build({
  absWorkingDir: cli,
  entryPoints: bundled.map((name) => `src/${name}.ts`),
  outbase: 'src',
  outdir: 'dist',
  allowOverwrite: true,
  bundle: true,
  minify: true,
  // Another chunk would need a place of its own, and what the two share is nothing.
  splitting: false,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  metafile: true,
});
// The compiler's maps are of the lines that stood there before.
for (const name of bundled) rmSync(join(dist, `${name}.js.map`), { force: true });

// The tokenizers are a script whose text is run, so the file is copied; half of its package is a map.
const tokenizers = createRequire(join(cli, 'package.json')).resolve('@mlc-ai/web-tokenizers');
copyFileSync(tokenizers, join(dist, 'encoder/web-tokenizers.txt'));
const place = `import { fileURLToPath } from 'node:url';
export const tokenizersFile = fileURLToPath(new URL('./web-tokenizers.txt', import.meta.url));
`;
writeFileSync(join(dist, 'encoder/tokenizers-file.js'), place);
rmSync(join(dist, 'encoder/tokenizers-file.js.map'), { force: true });

/** Packages that stand in the bundles, by the folder of each. @type {Map<string, string>} */
const folders = new Map([['@mlc-ai/web-tokenizers', dirname(dirname(tokenizers))]]);
for (const path of Object.keys(metafile.inputs)) {
  const [, folder, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(path) ?? [];
  if (folder !== undefined && name !== undefined) folders.set(name, join(cli, folder));
}

/** @param {string} folder @returns {string[]} its licence, and what it asks to be repeated */
function licenceTexts(folder) {
  return ['LICENSE', 'LICENSE.txt', 'LICENSE.md', 'NOTICE'].flatMap((file) => {
    try {
      return [readFileSync(join(folder, file), 'utf8').trim()];
    } catch {
      return [];
    }
  });
}

const texts = [...folders].sort().map(([name, folder]) => {
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const own = licenceTexts(folder);
  // Some packages name a licence and ship no text. The text of this one is the same everywhere, and stands in full below.
  if (own.length === 0 && license === 'Apache-2.0')
    own.push('The text of the Apache License 2.0 is that of echarts below.');
  if (own.length === 0 && license === 'MIT')
    own.push('Under the MIT License, as its package.json says; it ships no text.');
  if (own.length === 0) throw new Error(`${name} (${license}) ships no licence text, which the bundle has to repeat`);
  return [`${name} ${version} (${license})`, ...own].join('\n\n');
});
// Licences ask that their texts go with the copies.
writeFileSync(join(dist, 'LICENSES-of-bundled-libraries.txt'), `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
