import { createClimber } from '../climb/climber.ts';
import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, type ReadOptions } from '../documents/read-documents.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';
import type { StartDocument } from './options.ts';

/** All documents as the level after those that are fitted will see them. */
export async function* startDocuments(
  source: DocumentSource,
  resolved: readonly ResolvedLevel[],
  fitted: readonly FittedLevel[],
  options: ReadOptions,
): AsyncGenerator<StartDocument> {
  const { width } = resolved[fitted.length]!;
  const climber = createClimber(resolved, fitted);
  for await (const block of readDocuments(source, options)) {
    for (const document of block) {
      const { rows, count } = climber.climb(document);
      const mean = new Float64Array(width);
      for (let item = 0; item < count; item++)
        for (let axis = 0; axis < width; axis++) mean[axis]! += rows[item * width + axis]! / count;
      yield { id: document.id, tokens: document.length, vector: mean };
    }
  }
}
