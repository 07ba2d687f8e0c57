import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { root } from './entries.ts';

/** One import of a source file. */
export interface SourceImport {
  /** Relative to `src`. */
  readonly from: string;
  /** A file relative to `src`, or the specifier of another package. */
  readonly to: string;
  readonly isOwn: boolean;
}

/** Folder of `src` that a file stands in, or its name if it stands in `src` itself. */
export const roomOf = (file: string): string => file.split('/')[0]!;

/** All source files of a package, relative to its `src`. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.m?ts$/.test(file),
  );
}

/** All imports of a package's sources, of types too. */
export function sourceImports(folder: string): SourceImport[] {
  const src = join(root, folder, 'src');
  return sourceFiles(folder).flatMap((from) => {
    const file = join(src, from);
    const source = readFileSync(file, 'utf8');
    const { module } = parseSync(file, source);
    const specifiers = [
      ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
      ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
      // A specifier that is no literal is the user's.
      ...module.dynamicImports.flatMap(
        ({ moduleRequest: { start, end } }) => /^'(.*)'$/.exec(source.slice(start, end))?.[1] ?? [],
      ),
    ];
    return specifiers.map((specifier) => {
      const isOwn = specifier.startsWith('.');
      return { from, to: isOwn ? relative(src, resolve(dirname(file), specifier)) : specifier, isOwn };
    });
  });
}
