import {
  parseSafetensorsHeader,
  safetensorsHeaderLength,
  type SafetensorsDType,
  type SafetensorsHeader,
} from '@ddcl/core/safetensors';
import { argumentError, dataError, listNames, withFileName } from './data-error.ts';
import type { MatrixFile } from './matrix-file.ts';
import { suggestion } from './nearest-name.ts';
import { matrixShape } from './npy-matrix.ts';
import type { NumberFormat } from './number-format.ts';
import { readFully, type OpenFile } from './open-file.ts';

const formats: Partial<Record<SafetensorsDType, NumberFormat>> = {
  F64: 'f8',
  F32: 'f4',
  F16: 'f2',
  BF16: 'bf2',
  I8: 'i1',
  U8: 'u1',
  BOOL: 'b1',
  I16: 'i2',
  U16: 'u2',
  I32: 'i4',
  U32: 'u4',
  I64: 'i8',
  U64: 'u8',
};

/** @throws DdclError `format` for a file that is no safetensors file, with a remedy */
export async function readSafetensorsHeader(source: OpenFile, remedy: string): Promise<SafetensorsHeader> {
  const { file, size } = source;
  const prefix = new Uint8Array(Math.min(8, size));
  await readFully(source, prefix, 0);
  const bytes = new Uint8Array(withFileName(file, remedy, () => safetensorsHeaderLength(prefix, size)));
  await readFully(source, bytes, 8);
  return withFileName(file, remedy, () => parseSafetensorsHeader(bytes, size));
}

/**
 * The tokens of a .safetensors file: the rows of one of its tensors.
 *
 * @param tensor its name; left out, the only 2-D tensor of the file
 * @throws DdclError `format` for a malformed file, `argument` when the tensor is missing or must be named, `data` when
 *   it is no list of tokens
 */
export async function safetensorsMatrix(source: OpenFile, tensor: string | undefined): Promise<MatrixFile> {
  const { file } = source;
  const header = await readSafetensorsHeader(source, 'Write it again.');
  const name = tensor ?? onlyMatrix(file, header);
  const entry = header.entries.get(name);
  if (entry === undefined) {
    const names = [...header.entries.keys()];
    throw argumentError(
      file,
      `has no tensor ${JSON.stringify(name)}${suggestion(name, names) || '.'} It has ${listNames(names) || 'none'}. Name one with --tensor.`,
    );
  }
  const what = `tensor ${JSON.stringify(name)}`;
  const format = formats[entry.dtype];
  if (format === undefined)
    throw dataError(file, `${what} is of ${entry.dtype}; expected F32, F64, F16, BF16 or integers. Save it as F32.`);
  return { source, format, position: entry.begin, ...matrixShape(file, what, format, entry.shape) };
}

function onlyMatrix(file: string, { entries }: SafetensorsHeader): string {
  const matrices = [...entries].filter(([, { shape }]) => shape.length === 2).map(([name]) => name);
  const [only] = matrices;
  if (only === undefined) {
    throw dataError(
      file,
      `has no tensor with two axes, tokens and their numbers; it has ${listNames([...entries.keys()]) || 'none at all'}. Save the tokens as a 2-D tensor.`,
    );
  }
  if (matrices.length > 1) {
    throw argumentError(
      file,
      `has ${matrices.length} tensors with two axes: ${listNames(matrices)}. Name one with --tensor.`,
    );
  }
  return only;
}
