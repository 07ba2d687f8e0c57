import { argumentError, listNames } from './data-error.ts';

/** Kinds of files by what reads them. */
export type FileKind = 'npy' | 'safetensors' | 'csv' | 'tsv' | 'jsonl' | 'parquet' | 'txt';

export interface NamedFile<Kind extends FileKind = FileKind> {
  readonly file: string;
  readonly kind: Kind;
  /** Whether the name ends in `.gz`. */
  readonly gzipped: boolean;
}

/** Kinds that are also read as `.gz`. */
const packable: readonly string[] = ['csv', 'tsv', 'jsonl', 'txt'] satisfies FileKind[];

const dataKinds = ['csv', 'tsv', 'jsonl', 'npy', 'safetensors', 'parquet'] as const;
type DataKind = (typeof dataKinds)[number];

/** The ending of a file's name, whatever its case, without `.gz`. */
function endingOf(file: string): { readonly ending: string; readonly gzipped: boolean } {
  const parts = file.toLowerCase().split(/[\\/]/).at(-1)!.split('.');
  const gzipped = parts.length > 2 && parts.at(-1) === 'gz';
  return { ending: parts.length > 1 ? parts.at(gzipped ? -2 : -1)! : '', gzipped };
}

/**
 * The kind of a file by its name; the one place that reads endings.
 *
 * @param kinds those that are read
 * @param problem makes the message for a file of another kind, from its ending
 * @throws DdclError `argument` for an ending that nothing reads
 */
export function fileKind<Kind extends FileKind>(
  file: string,
  kinds: readonly Kind[],
  problem: (ending: string, gzipped: boolean) => string,
): NamedFile<Kind> {
  const { ending, gzipped } = endingOf(file);
  const kind = kinds.find((each) => each === ending && (!gzipped || packable.includes(each)));
  if (kind !== undefined) return { file, kind, gzipped };
  throw argumentError(file, problem(ending, gzipped));
}

/** What to do with files that are often tried. */
const remedies: Readonly<Record<string, string>> = {
  npz: 'Save its array alone with numpy.save as .npy.',
  json: 'Write one JSON value a line and name it .jsonl.',
  ndjson: 'Rename it to .jsonl.',
  txt: 'Rename it to .csv or .tsv if its cells are separated by commas or tabs.',
  xlsx: 'Export the sheet as .csv.',
  xls: 'Export the sheet as .csv.',
  pt: 'Pickled files can run code and are never loaded; save the tensor as .safetensors or .npy.',
  pth: 'Pickled files can run code and are never loaded; save the tensor as .safetensors or .npy.',
  pkl: 'Pickled files can run code and are never loaded; save the numbers as .npy or .parquet.',
  feather: 'Write it as .parquet.',
  arrow: 'Write it as .parquet.',
};

function noData(ending: string, gzipped: boolean): string {
  const isPacked = gzipped && (dataKinds as readonly string[]).includes(ending);
  return `the ending says nothing that can be read; expected .npy, .csv, .tsv, .jsonl (these three also with .gz), .parquet or .safetensors. ${isPacked ? 'Unpack it with gunzip.' : (remedies[ending] ?? 'Rename or convert it.')}`;
}

/**
 * Several data files that are read as one.
 *
 * @throws DdclError `argument` for no file or for files of different kinds
 */
export function commonKind(files: readonly string[]): readonly NamedFile<DataKind>[] {
  const named = files.map((file) => fileKind(file, dataKinds, noData));
  const first = named[0];
  if (first === undefined) throw argumentError('DATA', 'no file was given. Name at least one data file.');
  const other = named.find(({ kind }) => kind !== first.kind);
  if (other !== undefined) {
    throw argumentError(
      other.file,
      `is a .${other.kind} file, but ${listNames([first.file])} before it is .${first.kind}; several files are read as one only when they are of one kind. Convert one of them.`,
    );
  }
  return named;
}
