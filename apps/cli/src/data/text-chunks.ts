import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { checkAborted, formatError } from './data-error.ts';
import { findBadLine, unfinishedBytes } from './bad-line.ts';
import type { KnownFiles } from './known-files.ts';
import { countLineEnds } from './line-ends.ts';
import { openFile, readFully, requireUnchanged, type OpenFile } from './open-file.ts';
import { unpackLimit, unpackRemedy } from './unpack-limit.ts';

/** Bytes read, and unpacked, at once. */
const chunkBytes = 1 << 18;

export interface TextOptions {
  readonly gzipped: boolean;
  /** Where the file is read more than once. */
  readonly known?: KnownFiles | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: (bytes: number) => void;
  /** Leaves line ends as they are, but never gives half of `\r\n`: for formats that have line ends within a text. */
  readonly keepReturns?: boolean;
}

/**
 * The text of a UTF-8 file in pieces, unpacked, without byte order mark, every line end as `\n` unless they are kept.
 *
 * @throws DdclError as {@link openFile}; `data` where it is written to meanwhile; `format` for bytes that are not gzip where the name says so (or the reverse), for packed data that
 *   end early or are damaged, or become more than {@link unpackLimit} says, and for bytes that are not UTF-8 text
 */
export async function* textChunks(file: string, options: TextOptions): AsyncGenerator<string> {
  const source = await openFile(file, options.known);
  try {
    await checkStart(source, options.gzipped);
    yield* decoded(source, options);
  } finally {
    await source.handle.close();
  }
}

async function* decoded(
  source: OpenFile,
  { gzipped, signal, onBytes, keepReturns }: TextOptions,
): AsyncGenerator<string> {
  const { file } = source;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let heldReturn = '';
  let previous: Uint8Array = new Uint8Array(0);
  let any = false;
  let line = 1;
  const decode = (bytes: Uint8Array | undefined): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      const bad = findBadLine(unfinishedBytes(previous), bytes ?? new Uint8Array(0), line);
      throw formatError(file, `line ${bad} holds bytes that are not UTF-8 text. Save it as UTF-8.`, cause);
    }
  };
  for await (const bytes of byteChunks(source, gzipped, onBytes)) {
    checkAborted(signal);
    any = true;
    let text = heldReturn + decode(bytes);
    previous = bytes;
    // A return at the end of a piece may be the first half of \r\n.
    heldReturn = text.endsWith('\r') ? '\r' : '';
    if (heldReturn !== '') text = text.slice(0, -1);
    if (text.includes('\0')) throw formatError(file, 'holds zero bytes; expected a text file. Save it as UTF-8 text.');
    const plain = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    line += countLineEnds(plain);
    yield keepReturns === true ? text : plain;
  }
  const rest = decode(undefined);
  if (heldReturn + rest !== '') yield heldReturn === '' ? rest : `${keepReturns === true ? heldReturn : '\n'}${rest}`;
  if (!any) throw formatError(file, 'unpacks to nothing (0 bytes). Write it again.');
}

async function* byteChunks(
  source: OpenFile,
  gzipped: boolean,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const { file, handle, size } = source;
  const packed = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: Math.min(chunkBytes, size) });
  let stream: Readable = packed;
  if (gzipped) {
    const gunzip = createGunzip({ chunkSize: chunkBytes });
    packed.on('error', (error) => gunzip.destroy(error));
    stream = packed.pipe(gunzip);
  }
  let reported = 0;
  let unpacked = 0;
  const most = gzipped ? unpackLimit(source.size) : Infinity;
  try {
    for await (const bytes of stream) {
      unpacked += (bytes as Uint8Array).length;
      if (unpacked > most) {
        throw formatError(
          file,
          `unpacks to more than ${Math.floor(most / 2 ** 20)} MiB, which is much for its ${source.size} bytes. ${unpackRemedy(source.size)}`,
        );
      }
      onBytes?.(packed.bytesRead - reported);
      reported = packed.bytesRead;
      await requireUnchanged(source);
      yield bytes as Uint8Array;
    }
    onBytes?.(packed.bytesRead - reported);
    await requireUnchanged(source);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    // It would blame the packer.
    if (String(code).startsWith('Z_')) await requireUnchanged(source);
    if (code === 'Z_BUF_ERROR')
      throw formatError(file, 'the gzip data end early; it is cut short. Write or download it again.', cause);
    if (String(code).startsWith('Z_')) {
      throw formatError(
        file,
        `the gzip data are damaged (${(cause as Error).message}). Write or download it again.`,
        cause,
      );
    }
    throw cause;
  } finally {
    stream.destroy();
    packed.destroy();
  }
}

/** Refuses files that are packed in another way than their name says, and UTF-16, by their first bytes. */
async function checkStart(source: OpenFile, gzipped: boolean): Promise<void> {
  const start = new Uint8Array(Math.min(4, source.size));
  await readFully(source, start, 0);
  const [first = 0, second = 0] = start;
  const isGzip = first === 0x1f && second === 0x8b;
  if (gzipped && !isGzip)
    throw formatError(source.file, 'is named .gz but holds no gzip data. Rename it without .gz, or pack it with gzip.');
  if (!gzipped && isGzip) throw formatError(source.file, 'holds gzip data. Rename it to end in .gz.');
  if (first === 0x50 && second === 0x4b)
    throw formatError(source.file, 'holds a zip archive (an .xlsx sheet?). Unpack it, or export the sheet as .csv.');
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw formatError(source.file, 'is UTF-16 text; expected UTF-8. Save it as UTF-8.');
}
