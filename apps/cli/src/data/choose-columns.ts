import { argumentError, columnsOption, dataError, listNames } from './data-error.ts';
import { suggestion } from './nearest-name.ts';
import type { Table } from './table.ts';

/** Which cells of a table are tokens and which are labels. */
export interface ColumnChoice {
  /** Places of the token columns in the table, in the order in which their numbers make a token. */
  readonly columns: readonly number[];
  /** Their names; undefined where rows are bare vectors. */
  readonly names: readonly string[] | undefined;
  /** Place of the label column. */
  readonly label: number | undefined;
  /** Whether the columns were asked for by name. */
  readonly asked: boolean;
}

/** Names under which vectors are stored by custom; such a column alone is the token unless others are asked for. */
const vectorNames: readonly string[] = ['vector', 'embedding', 'tokens'];

/**
 * Chooses the columns of a table: those asked for; else its one vector column of a customary name; else all but the
 * label column.
 *
 * @param asked names, at least one, or undefined
 * @param label name of the label column, which the table has
 * @throws DdclError `argument` for names that are missing, occur twice or name the label, and where a choice is needed
 */
export function chooseColumns(
  table: Table,
  asked: readonly string[] | undefined,
  label: string | undefined,
): ColumnChoice {
  const { file, columns } = table;
  if (columns === undefined) {
    if (asked !== undefined)
      throw argumentError(
        file,
        'its rows are arrays without names, so --columns cannot choose among them. Leave --columns out.',
      );
    return { columns: [0], names: undefined, label: undefined, asked: false };
  }
  const labelPlace = label === undefined ? undefined : place(file, columns, label, '--labels');
  if (asked !== undefined) {
    const seen = new Set<string>();
    const twice = asked.find((name) => seen.size === seen.add(name).size);
    if (twice !== undefined)
      throw argumentError(file, `--columns names ${JSON.stringify(twice)} twice. Name each column once.`);
    if (label !== undefined && asked.includes(label)) {
      throw argumentError(
        file,
        `column ${JSON.stringify(label)} is named by --labels and by --columns; labels are not tokens. Leave it out of one of them.`,
      );
    }
    return {
      columns: asked.map((name) => place(file, columns, name, '--columns')),
      names: asked,
      label: labelPlace,
      asked: true,
    };
  }

  const others = columns.map((_, index) => index).filter((index) => index !== labelPlace);
  if (others.length === 0)
    throw dataError(file, `has no column but the label column ${JSON.stringify(label)}. Add columns with numbers.`);
  const vectors = others.filter((index) => table.vectors.has(index) && vectorNames.includes(columns[index]!));
  if (vectors.length > 1) {
    const names = vectors.map((index) => columns[index]!);
    throw argumentError(
      file,
      `has several columns of vectors: ${listNames(names)}. Choose one, for example ${columnsOption(names.slice(0, 1))}.`,
    );
  }
  const chosen = vectors.length === 1 ? vectors : others;
  const index = chosen.find((place) => isIndex(table, place));
  if (index !== undefined) {
    const names = chosen.filter((place) => !isIndex(table, place)).map((place) => columns[place]!);
    throw argumentError(
      file,
      `column ${JSON.stringify(columns[index])} numbers the rows (pandas wrote its index), and would be a number of each token. Choose the columns to use, for example ${columnsOption(names)}.`,
    );
  }
  const nameless = chosen.find((index) => columns[index] === '');
  if (nameless !== undefined) {
    const names = chosen.map((index) => columns[index]!).filter((name) => name !== '');
    throw argumentError(
      file,
      `the header has no name for column ${nameless + 1} (an index that pandas wrote?). Choose the columns to use, for example ${columnsOption(names)}.`,
    );
  }
  return { columns: chosen, names: chosen.map((index) => columns[index]!), label: labelPlace, asked: false };
}

function place(file: string, columns: readonly string[], name: string, option: string): number {
  const found = name === '' ? -1 : columns.indexOf(name);
  if (found >= 0) return found;
  throw argumentError(
    file,
    `has no column ${JSON.stringify(name)}, which ${option} names${suggestion(name, columns) || '.'} Its columns: ${listNames(columns, 40)}.`,
  );
}

/** Whether a column holds the numbers of rows: the file says so, or pandas' own name does. */
const isIndex = ({ columns, indexes }: Table, place: number): boolean =>
  indexes?.has(place) === true || /^(__index_level_\d+__|Unnamed: \d+(_level_\d+)?)$/.test(columns![place]!);
