import { convertIndexedToRgb, decode as decodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { dataError, formatError } from '../data/data-error.ts';

/** One image as bytes, row by row, channels last. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/**
 * A .png or .jpg file. Grey images have one channel (as .jpg they have three), colours three; palettes become colours, 16 bits become 8.
 *
 * @throws DdclError `format` for bytes that are none; `data` for an image that is transparent somewhere
 */
export function decodeImage(file: string, bytes: Uint8Array): DecodedImage {
  const image = readImage(file, bytes);
  if (image.channels === 1 || image.channels === 3) return image;
  const kept = image.channels - 1;
  const data = new Uint8Array((image.data.length / image.channels) * kept);
  for (let pixel = 0, to = 0; pixel < image.data.length; pixel += image.channels) {
    if (image.data[pixel + kept] !== 255)
      throw dataError(file, 'is transparent in places, and has no colour there. Save it without transparency.');
    for (let channel = 0; channel < kept; channel++) data[to++] = image.data[pixel + channel]!;
  }
  return { ...image, channels: kept, data };
}

function readImage(file: string, bytes: Uint8Array): DecodedImage {
  try {
    if (!/\.png$/i.test(file)) {
      const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
      return { width, height, channels: 3, data };
    }
    const { width, height, depth, channels, data, palette, transparency } = decodePng(bytes);
    if (palette !== undefined) {
      const colours = convertIndexedToRgb({ width, height, depth, channels, data, palette, text: {} });
      return { width, height, channels: palette[0]!.length, data: Uint8Array.from(colours) };
    }
    if (transparency !== undefined) throw new Error('one of its colours stands for transparency');
    if (depth === 16) return { width, height, channels, data: Uint8Array.from(data, (value) => value >>> 8) };
    if (depth !== 8) throw new Error(`it has ${depth} bits a pixel`);
    return { width, height, channels, data: Uint8Array.from(data) };
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
    throw formatError(file, `cannot be read as an image (${reason}). Save it as .png of 8 bits or as .jpg.`, cause);
  }
}
