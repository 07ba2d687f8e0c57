import { dataError } from '../data/data-error.ts';
import { openFile } from '../data/open-file.ts';
import { numberFromText, type Table, type TableBatch, type TableOptions } from '../data/table.ts';
import { textChunks } from '../data/text-chunks.ts';

/**
 * A .tsv file of texts, also packed: a header, then a row on each line, cells separated by tabs. There is no quoting: texts hold
 * quotation marks of their own, and by the rules of .csv one that opens a text would swallow the rows after it.
 *
 * `batches` throws DdclError `data` for a row with more or fewer cells than the header, naming the line.
 *
 * @throws DdclError as `openFile` and `textChunks`; `data` for a file without a header
 */
export async function openTabs(file: string, gzipped: boolean, { signal, onBytes }: TableOptions): Promise<Table> {
  const source = await openFile(file);
  const lines = batchesOfLines(textChunks(source, { gzipped, signal, onBytes }));
  const close = async (): Promise<void> => {
    await lines.return(undefined);
    await source.handle.close();
  };
  try {
    const start = await lines.next();
    const header = start.done === true ? undefined : start.value.shift();
    if (start.done === true || header === undefined) {
      throw dataError('data', file, 'has no header. Name the columns in the first line, separated by tabs.');
    }
    const columns = header.split('\t');

    async function* batches(): AsyncGenerator<TableBatch> {
      let line = 2;
      let blank: number | undefined;
      for (let next = start; next.done !== true; next = await lines.next()) {
        const first = line;
        // Blank lines at the end are none; of a single column they are empty texts.
        const last = columns.length === 1 ? next.value.length - 1 : next.value.findLastIndex((text) => text !== '');
        if (last >= 0 && blank !== undefined) {
          throw dataError('data', file, `line ${blank} is empty, but rows follow it. Remove the empty line.`);
        }
        if (last < next.value.length - 1) blank ??= first + last + 1;
        const rows = next.value.slice(0, last + 1).map((text) => text.split('\t'));
        const ragged = rows.findIndex((cells) => cells.length !== columns.length);
        if (ragged >= 0) {
          throw dataError(
            'data',
            file,
            `line ${first + ragged} has ${rows[ragged]!.length} cells; expected ${columns.length}, as the header has. Take tabs out of the text (quotes do not help in .tsv), or use .jsonl.`,
          );
        }
        line += next.value.length;
        if (rows.length > 0) {
          yield { rows: rows.length, cell: (row, column) => rows[row]![column], place: (row) => `line ${first + row}` };
        }
      }
    }

    return { file, columns, vectors: new Set(), toNumber: numberFromText, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whole lines of a text, some at a time; without what follows the last line end, if that is nothing. */
export async function* batchesOfLines(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}
