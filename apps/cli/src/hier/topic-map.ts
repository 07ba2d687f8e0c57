import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { principalMap, umapMap, type DocumentMap, type UmapClass } from '@ddcl/hier';

/** Maps of `--map`. */
export const mapKinds = ['pca', 'umap'] as const;
export type MapKind = (typeof mapKinds)[number];

/**
 * Places of documents on a map.
 *
 * @throws DdclError `unsupported` where umap-js is not installed
 */
export function topicMap(
  kind: MapKind,
  vectors: Float32Array,
  width: number,
  { topics, seed }: { readonly topics: Int32Array; readonly seed: number },
): DocumentMap {
  return kind === 'pca' ? principalMap(vectors, width) : umapMap(loadUmap(), vectors, width, { topics, seed });
}

/** umap-js, which users install beside this package if they want it. */
function loadUmap(): UmapClass {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return (createRequire(from)('umap-js') as { UMAP: UmapClass }).UMAP;
    } catch {
      // Perhaps it is installed where the command runs.
    }
  }
  throw new DdclError('unsupported', 'A map by UMAP needs umap-js: npm install umap-js. Or take --map pca.');
}
