import { formatError, listNames } from './data-error.ts';
import { bytesPerNumber, type NumberFormat } from './number-format.ts';

/** What an .npy file says about itself (format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
export interface NpyHeader {
  readonly format: NumberFormat;
  readonly shape: readonly number[];
  /** Byte of the first number. */
  readonly position: number;
}

const magic = '\x93NUMPY';

/** Longest header read, in bytes; those of plain arrays have about 100. */
const maxHeaderLength = 1 << 20;

/** By NumPy's name: `<f4`, and `|u1` for single bytes. */
const formats: ReadonlyMap<string, NumberFormat> = new Map(
  (['f2', 'f4', 'f8', 'i1', 'u1', 'b1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8'] as const).map((format) => [
    `${bytesPerNumber(format) === 1 ? '|' : '<'}${format}`,
    format,
  ]),
);

/** Bytes that can be read from any place: a file of the file system, or one that a page was given. */
export interface ByteSource {
  /** What messages call it. */
  readonly file: string;
  /** Bytes in it. */
  readonly size: number;
  /** Fills `target` with the bytes from `position` on, of which there are enough. */
  read(target: Uint8Array, position: number): Promise<void>;
}

/**
 * Reads and checks the header of an .npy file, versions 1 to 3.
 *
 * @throws DdclError `format` for bytes that are not .npy, for dtypes other than plain little-endian numbers (objects are
 *   never unpickled), for Fortran order, and for a file that is shorter or longer than its shape says
 */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const { file, size } = source;
  const start = new Uint8Array(Math.min(12, size));
  await source.read(start, 0);
  if (start.length < 10 || String.fromCharCode(...start.subarray(0, 6)) !== magic)
    throw formatError(file, 'is not an .npy file: it does not start with "\\x93NUMPY". Save it with numpy.save.');
  const version = start[6]!;
  if (version < 1 || version > 3)
    throw formatError(file, `is of .npy version ${version}; versions 1 to 3 are read. Save it with numpy.save.`);
  const textStart = version === 1 ? 10 : 12;
  const view = new DataView(start.buffer);
  if (start.length < textStart) throw formatError(file, `ends within its header, at byte ${size}. Write it again.`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderLength)
    throw formatError(
      file,
      `its header claims ${length} bytes; at most ${maxHeaderLength} are read. Save it with numpy.save.`,
    );
  if (length > size - textStart) throw formatError(file, `ends within its header, at byte ${size}. Write it again.`);
  const bytes = new Uint8Array(length);
  await source.read(bytes, textStart);
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes);

  const header = parseHeader(file, text, textStart + length);
  checkSize(file, size, header);
  return header;
}

/** A name and its value: a text, True or False, or a tuple of numbers. */
const dictEntry = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\dL,\s]*)\))\s*(?:,|$)/y;

const names = ['descr', 'fortran_order', 'shape'];

/** The entries of a Python dict as numpy writes it, of a text the text, of a tuple what is in it; or what is wrong with it. */
function dictEntries(text: string): Map<string, string> | string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return 'is no Python dict in braces';
  const body = trimmed.slice(1, -1).trimEnd();
  const entries = new Map<string, string>();
  for (dictEntry.lastIndex = 0; dictEntry.lastIndex < body.length;) {
    const start = dictEntry.lastIndex;
    const [, , found, , quoted, truth, tuple] = dictEntry.exec(body) ?? [];
    const name = found ?? /^\s*['"]?(\w+)/.exec(body.slice(start, start + 80))?.[1];
    const value = name === 'descr' ? quoted : name === 'fortran_order' ? truth : tuple;
    if (name === undefined || !names.includes(name)) return `has something else than ${listNames(names)}`;
    if (entries.has(name)) return `has ${name} twice`;
    if (value === undefined) return `has a malformed ${name}`;
    entries.set(name, value);
  }
  const missing = names.filter((name) => !entries.has(name));
  return missing.length === 0 ? entries : `lacks ${missing.join(' and ')}`;
}

/** The header is a Python dict with exactly the keys descr, fortran_order and shape. */
function parseHeader(file: string, text: string, position: number): NpyHeader {
  const structured = /['"]descr['"]\s*:\s*\[/.test(text);
  if (structured) {
    throw formatError(
      file,
      'holds records with named fields; expected one plain number type. Save numpy.lib.recfunctions.structured_to_unstructured(array).',
    );
  }
  const entries = dictEntries(text);
  if (typeof entries === 'string') throw formatError(file, `its header ${entries}. Save it with numpy.save.`);
  const [descr, order, sizes] = names.map((name) => entries.get(name)!) as [string, string, string];
  const shape = sizes
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => Number(part.replace(/L$/, '')));
  if (!shape.every((length) => Number.isSafeInteger(length)))
    throw formatError(file, `its header has the malformed shape (${sizes.trim()}). Save it with numpy.save.`);
  const format = formats.get(descr);
  if (format === undefined) throw formatError(file, dtypeProblem(descr));
  // With at most one axis longer than 1 both orders are the same bytes.
  if (order === 'True' && shape.filter((length) => length > 1).length > 1) {
    throw formatError(
      file,
      'is in Fortran order (columns one after another); expected C order. Save numpy.ascontiguousarray(array).',
    );
  }
  return { format, shape, position };
}

function dtypeProblem(descr: string): string {
  if (descr.includes('O'))
    return 'holds Python objects; expected plain numbers. Unpickling can run code and is never done: save array.astype(numpy.float32), with rows of equal length.';
  if (descr.startsWith('>'))
    return `holds big-endian numbers (${descr}); expected little-endian. Save array.astype("<${descr.slice(1)}").`;
  return `holds the dtype ${JSON.stringify(descr)}; expected float16, float32, float64 or integers. Save array.astype(numpy.float32).`;
}

function checkSize(file: string, size: number, { format, shape, position }: NpyHeader): void {
  const expected = shape.reduce((product, length) => product * length, 1) * bytesPerNumber(format);
  const actual = size - position;
  if (actual === expected) return;
  const claim = `its header says (${shape.join(', ')}) of ${format}, ${expected} bytes, but ${actual} follow`;
  throw formatError(
    file,
    actual < expected
      ? `${claim}; it is cut short. Write it again.`
      : `${claim}; the rest belongs to nothing. Write it again.`,
  );
}
