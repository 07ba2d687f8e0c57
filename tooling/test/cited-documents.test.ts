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

/** `NAME.md section N`, `NAME.md (section N)`, `NAME.md, sections N, M and L`; a sentence may go on in the next line of a comment. */
const citation = /([\w./-]*\w\.md)\b`?(?:,?[\s*/]+\(?sections?[\s*/]+(\d+(?:(?:,|,?[\s*/]+and)[\s*/]+\d+)*))?/g;

function citationsOf(where: string, text: string): Citation[] {
  return [...text.matchAll(citation)].flatMap(([, document, numbers]): Citation[] => {
    const sections = numbers?.match(/\d+/g) ?? [];
    if (sections.length > 0) return sections.map((section) => ({ where, document: document!, section }));
    return document!.startsWith('docs/') ? [{ where, document: document!, section: undefined }] : [];
  });
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
    .flatMap((file) => citationsOf(file, readFileSync(join(root, file), 'utf8')));
  expect(citations.filter(({ section }) => section !== undefined).length).toBeGreaterThan(30);
  expect(citations.filter((cited) => !isThere(cited))).toEqual([]);
});

it.each([
  ['docs/math.md', [undefined]],
  ['docs/math.md section 4', ['4']],
  ['`docs/math.md`\n * section 4; 3 prototypes', ['4']],
  ['docs/math.md sections 4 and 99', ['4', '99']],
  ['docs/math.md, sections 4, 5\n * and 99; 7 of them', ['4', '5', '99']],
  ['docs/math.md (section 97)', ['97']],
  ['docs/math.md, section 96.', ['96']],
])('reads the sections of %j', (text, sections) => {
  const read = citationsOf('here', text);
  expect(read.map(({ section }) => section)).toEqual(sections);
  expect(read.filter((cited) => Number(cited.section) > 90 && isThere(cited))).toEqual([]);
});
