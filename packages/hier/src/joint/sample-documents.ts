import { createClimber, groupEnds } from '../climb/climber.ts';
import type { DocumentSource } from '../documents/document-source.ts';
import { readDocuments, type ReadDocument, type ReadOptions } from '../documents/read-documents.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { wholeDocument, type ResolvedLevel } from '../spec/resolve.ts';

/** A document that stays in memory. */
export interface KeptDocument extends ReadDocument {
  /** For each level but the last, the number of the group that each of its items belongs to. */
  readonly groups: readonly Int32Array[];
  /** Items at each level. */
  readonly items: readonly number[];
  /** Bytes that its arrays take. */
  readonly bytes: number;
}

/** Documents, or a sample of them by their hash, in an order that it alone decides; copies, of `bytes` together while the pass lasts. */
export async function sampleDocuments(
  source: DocumentSource,
  resolved: readonly ResolvedLevel[],
  bytes: number,
  options: ReadOptions,
): Promise<readonly KeptDocument[]> {
  let kept: KeptDocument[] = [];
  let [held, limit] = [0, Infinity];
  const most = bytes / 2;
  const cut = (): void => {
    kept.sort((a, b) => a.key - b.key);
    let [end, left] = [0, most];
    while (end < kept.length && (end === 0 || left >= kept[end]!.bytes)) left -= kept[end++]!.bytes;
    if (end < kept.length) limit = kept[end]!.key;
    kept = kept.slice(0, end);
    held = most - left;
  };
  for await (const block of readDocuments(source, options)) {
    for (const document of block) {
      if (document.length === 0 || document.key >= limit) continue;
      const own = keep(document, resolved);
      kept.push(own);
      held += own.bytes;
      if (held > 2 * most) cut();
    }
  }
  cut();
  return kept;
}

function keep(document: ReadDocument, resolved: readonly ResolvedLevel[]): KeptDocument {
  let ends: Int32Array = Int32Array.from({ length: document.length }, (_, index) => index + 1);
  const items = [document.length];
  const groups = resolved.slice(0, -1).map(({ name, up }) => {
    const above = groupEnds({ ends, count: ends.length }, document, up!, name);
    let group = 0;
    const own = ends.map((end) => {
      while (above[group]! < end) group += 1;
      return group;
    });
    ends = above;
    items.push(above.length);
    return own;
  });
  const { id, length, key } = document;
  // Of the block nothing is kept: it may be written over when the next one is asked for.
  const named = new Map<string, Int32Array>();
  for (const { up } of resolved) {
    if (up !== undefined && up.group !== wholeDocument) named.set(up.group, Int32Array.from(document.group(up.group)));
  }
  const tokens = document.tokens.slice();
  const bytes = [tokens, ...groups, ...named.values()].reduce((sum, own) => sum + own.byteLength, 0);
  return { id, length, key, tokens, group: (name) => named.get(name)!, groups, items, bytes };
}

/** Items of each level in these documents, as the levels are: [level][items, width]. */
export function itemsOf(
  documents: readonly KeptDocument[],
  resolved: readonly ResolvedLevel[],
  levels: readonly FittedLevel[],
): readonly Float64Array[] {
  const rows = resolved.map((): number[] => []);
  const climber = createClimber(resolved, levels);
  for (const document of documents) {
    climber.climb(document, (level, { item, frameScale }) => {
      const { offset } = levels[level]!.model;
      const own = rows[level]!;
      for (let axis = 0; axis < item.length; axis++) own.push(item[axis]! * frameScale + offset[axis]!);
    });
  }
  return rows.map((own) => Float64Array.from(own));
}
