import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

/* What comments of the sources send a reader to: `docs/NAME.md`, often with the number of a section. */

const root = resolve(import.meta.dirname, '../..');
/** Generated from ONNX's own file: its documents are those of ONNX. */
const generated = 'packages/backend-ort/src/onnx/onnx_pb.ts';

interface Citation {
  readonly where: string;
  readonly document: string;
  readonly section: string | undefined;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist')
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [relative(root, path)];
    });
}

/** `NAME.md section N`; a sentence may go on in the next line of a comment. */
const citation = /([\w./-]*\w\.md)\b`?(?:[\s*/]+section (\d+))?/g;

function citationsOf(where: string): Citation[] {
  return [...readFileSync(join(root, where), 'utf8').matchAll(citation)]
    .map(([, document, section]) => ({ where, document: document!, section }))
    .filter(({ document, section }) => section !== undefined || document.startsWith('docs/'));
}

function isThere({ document, section }: Citation): boolean {
  const path = join(root, document);
  if (!existsSync(path)) return false;
  return section === undefined || new RegExp(`^## ${section} `, 'm').test(readFileSync(path, 'utf8'));
}

it('finds every document and section that sources cite', () => {
  const sources = ['packages', 'apps', 'tooling'].flatMap((folder) => filesUnder(join(root, folder)));
  const citations = sources
    .filter((file) => /\.(ts|mjs)$/.test(file) && file !== generated && !import.meta.filename.endsWith(file))
    .flatMap(citationsOf);
  expect(citations.filter(({ section }) => section !== undefined).length).toBeGreaterThan(30);
  expect(citations.filter((cited) => !isThere(cited))).toEqual([]);
});
