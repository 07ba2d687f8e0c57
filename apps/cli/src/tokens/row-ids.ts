import { DdclError, isDdclError } from '@ddcl/core';
import { usageError } from '../output/usage-error.ts';
import type { RowLabels } from '../data/row-labels.ts';
import type { SideColumn } from './encoded-file.ts';
import type { OpenedDocuments } from './open-documents.ts';

/**
 * Ids are read as labels are, by another option: what is wrong with them says so.
 *
 * @throws whatever `open` throws
 */
export async function withIdWords<Opened>(id: string | undefined, open: () => Promise<Opened>): Promise<Opened> {
  try {
    return await open();
  } catch (error) {
    if (id === undefined || !isDdclError(error)) throw error;
    if (error.message.startsWith('Token shards have their own labels'))
      throw usageError(
        'Token shards keep no ids: their rows are in the order of the texts that they were made of. Leave --id out, or give the texts by --text.',
        error,
      );
    // The words of the message alone: a path or a name of a column may have the word too.
    const message = error.message
      .replaceAll(/(?<![\w./-])--labels(?![\w./-])/g, '--id')
      .replaceAll(/(?<![\w./"'-])a label(?![\w/"'-])(?!\.\w)/g, 'an id')
      .replaceAll(/(?<![\w./"'-])label(s?)(?![\w/"'-])(?!\.\w)/g, 'id$1');
    throw new DdclError(error.code, message, { cause: error });
  }
}

/** The columns that say which row is which: ids of documents or of tokens, and the place of a token within its document. */
export function idColumns(
  ids: RowLabels | undefined,
  documents: OpenedDocuments['documents'] | undefined,
  isPerDocument: boolean,
): SideColumn[] {
  if (documents === undefined || isPerDocument) {
    const own = documents?.labels ?? ids;
    if (own === undefined) return [];
    const at = Array.isArray(own) ? (row: number) => own[row] as string : (row: number) => (own as RowLabels).at(row)!;
    return [{ name: 'id', type: 'text', at }];
  }
  if (ids === undefined) return [];
  const ofRow = documents.ofRow();
  let [row, place] = [-1, 0];
  const token = (asked: number): number => {
    // Rows are asked for in their order.
    for (; row < asked; row++) place = row >= 0 && ofRow[row + 1] === ofRow[row] ? place + 1 : 0;
    return place;
  };
  return [
    { name: 'id', type: 'text', at: (asked) => ids.at(asked)! },
    ...(documents.mode === 'tokens' ? [{ name: 'token', type: 'int32', at: token } as const] : []),
  ];
}
