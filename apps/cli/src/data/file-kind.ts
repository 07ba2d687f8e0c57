import { dataError, listNames } from './data-error.ts';

/** Kinds of data files by what reads them. */
export type FileKind = 'npy' | 'safetensors' | 'csv' | 'tsv' | 'jsonl' | 'parquet';

export interface NamedFile {
  readonly file: string;
  readonly kind: FileKind;
  /** Whether the name ends in `.gz`. */
  readonly gzipped: boolean;
}

const texts: readonly string[] = ['csv', 'tsv', 'jsonl'];
const kinds: readonly string[] = [...texts, 'npy', 'safetensors', 'parquet'];

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

/**
 * The kind of a data file by its name, whatever the case.
 *
 * @throws DdclError `argument` for an ending that nothing reads
 */
export function fileKind(file: string): NamedFile {
  const parts = file.toLowerCase().split(/[\\/]/).at(-1)!.split('.');
  const gzipped = parts.length > 2 && parts.at(-1) === 'gz';
  const ending = parts.length > 1 ? parts.at(gzipped ? -2 : -1)! : '';
  if (texts.includes(ending) || (!gzipped && kinds.includes(ending)))
    return { file, kind: ending as FileKind, gzipped };
  const remedy = gzipped && kinds.includes(ending) ? 'Unpack it with gunzip.' : remedies[ending];
  throw dataError(
    'argument',
    file,
    `the ending says nothing that can be read; expected .npy, .csv, .tsv, .jsonl (these three also with .gz), .parquet or .safetensors. ${remedy ?? 'Rename or convert it.'}`,
  );
}

/**
 * The one kind of several files that are read as one.
 *
 * @throws DdclError `argument` for no file or for files of different kinds
 */
export function commonKind(files: readonly string[]): { kind: FileKind; named: readonly NamedFile[] } {
  const named = files.map(fileKind);
  const first = named[0];
  if (first === undefined) throw dataError('argument', 'DATA', 'no file was given. Name at least one data file.');
  const other = named.find(({ kind }) => kind !== first.kind);
  if (other !== undefined) {
    throw dataError(
      'argument',
      other.file,
      `is a .${other.kind} file, but ${listNames([first.file])} before it is .${first.kind}; several files are read as one only when they are of one kind. Convert one of them.`,
    );
  }
  return { kind: first.kind, named };
}
