import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '../..');

/** One entry of a published package. */
export interface Entry {
  readonly package: string;
  /** As users import it: `@ddcl/core/fit`. */
  readonly specifier: string;
  /** For file names: `core-fit`. */
  readonly slug: string;
  /** Built files, absolute. */
  readonly types: string;
  readonly code: string;
}

/** All entries of all published packages. */
export function publishedEntries(): Entry[] {
  return readdirSync(join(root, 'packages')).flatMap((folder) => {
    const own = join(root, 'packages', folder);
    const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as {
      name: string;
      private?: boolean;
      exports: Record<string, { types: string; default: string } | string>;
    };
    if (manifest.private === true) return [];
    return Object.entries(manifest.exports).flatMap(([path, target]) =>
      typeof target === 'string'
        ? []
        : [
            {
              package: manifest.name,
              specifier: manifest.name + path.slice(1),
              slug: folder + path.slice(1).replaceAll('/', '-'),
              types: join(own, target.types),
              code: join(own, target.default),
            },
          ],
    );
  });
}
