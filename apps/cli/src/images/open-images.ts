import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Images } from '@ddcl/vq';
import { argumentError, checkAborted, dataError, formatError } from '../data/data-error.ts';
import { isFolder } from '../output/entry-at.ts';
import { decodeImage, type DecodedImage } from './decode-image.ts';
import { readRegular } from '../output/read-file.ts';
import { reasonOf } from '../output/write-file.ts';

/** Images of one size, in memory. */
export interface OpenImages extends Images {
  readonly data: Uint8Array;
  /** SHA-256 over sizes and pixels. */
  readonly fingerprint: string;
}

export interface OpenImagesOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Images of a folder of .png and .jpg files, in the order of their names, or of one file in the binary form of CIFAR-10 or CIFAR-100 (.bin, also .gz).
 *
 * @throws DdclError `argument` or `format` for what is not there or no image; `data` for images of different sizes or channels, naming the first that differs
 */
export async function openImages(path: string, options: OpenImagesOptions): Promise<OpenImages> {
  const images = (await isFolder(path)) ? await openFolder(path, options) : await openCifar(path);
  const hash = createHash('sha256').update(JSON.stringify(images.shape)).update(images.data);
  return { ...images, fingerprint: hash.digest('hex') };
}

async function openFolder(
  path: string,
  { signal, onProgress }: OpenImagesOptions,
): Promise<Images & { data: Uint8Array }> {
  const names = (await readdir(path)).filter((name) => /\.(png|jpe?g)$/i.test(name)).sort();
  if (names.length === 0) throw argumentError(path, 'has no .png or .jpg files. Give a folder of images.');
  let first: DecodedImage | undefined;
  let data = new Uint8Array(0);
  for (const [index, name] of names.entries()) {
    checkAborted(signal);
    const file = join(path, name);
    const bytes = await readRegular(file).catch((cause: unknown) => {
      throw dataError(
        file,
        `cannot be read (${reasonOf(cause)}). Run the command again when nothing writes there.`,
        cause,
      );
    });
    const image = decodeImage(file, bytes);
    first ??= image;
    const sizes = ({ width, height, channels }: DecodedImage): string =>
      `${width} x ${height} with ${channels} ${channels === 1 ? 'channel' : 'channels'}`;
    if (sizes(image) !== sizes(first)) {
      throw dataError(
        file,
        `is ${sizes(image)}, but ${names[0]} is ${sizes(first)}. An autoencoder takes images of one size and number of channels.`,
      );
    }
    if (index === 0) data = new Uint8Array(names.length * image.data.length);
    data.set(image.data, index * image.data.length);
    onProgress(index + 1, names.length);
  }
  return { data, shape: [names.length, first!.height, first!.width, first!.channels] };
}

const side = 32;
const pixels = side * side;

/** Records of one label (CIFAR-10) or two (CIFAR-100), then 1,024 bytes each of red, green and blue. */
async function openCifar(file: string): Promise<Images & { data: Uint8Array }> {
  if (!/\.bin(\.gz)?$/i.test(file)) {
    throw argumentError(
      file,
      'is no folder of .png and .jpg files, nor a .bin or .bin.gz file of CIFAR. Give one of them.',
    );
  }
  let bytes: Uint8Array;
  try {
    const raw = await readRegular(file);
    bytes = /\.gz$/i.test(file) ? gunzipSync(raw) : raw;
  } catch (cause) {
    throw argumentError(
      file,
      `cannot be read (${(cause as Error).message}). Check the path, and that nothing writes there.`,
      cause,
    );
  }
  const labels = [1, 2].find((count) => bytes.length % (count + 3 * pixels) === 0);
  if (labels === undefined || bytes.length === 0) {
    throw formatError(
      file,
      `has ${bytes.length} bytes, which are not whole records of CIFAR-10 (3,073 bytes) or CIFAR-100 (3,074). Give its binary version.`,
    );
  }
  const record = labels + 3 * pixels;
  const count = bytes.length / record;
  const data = new Uint8Array(count * 3 * pixels);
  for (let image = 0; image < count; image++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = image * record + labels + channel * pixels;
      const to = image * 3 * pixels + channel;
      for (let pixel = 0; pixel < pixels; pixel++) data[to + 3 * pixel] = bytes[from + pixel]!;
    }
  }
  return { data, shape: [count, side, side, 3] };
}
