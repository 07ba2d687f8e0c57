import { gzipSync } from 'node:zlib';
import { encode as encodePng, type ImageData } from 'fast-png';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/images/decode-image.ts';
import { openImages } from '../../src/images/open-images.ts';
import { testFolder } from '../commands/support.ts';

const folder = testFolder();
const open = (name: string) => openImages(folder.at(name), { signal: new AbortController().signal, onProgress() {} });
const bytes = (length: number, start = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (start + 37 * index) % 256);
const png = (image: Partial<ImageData> & Pick<ImageData, 'data'>): Uint8Array =>
  encodePng({ width: 3, height: 2, channels: 3, depth: 8, ...image });

describe('decodeImage', () => {
  it.each([1, 3])('reads .png of %i channels exactly', (channels) => {
    const data = bytes(6 * channels);
    expect(decodeImage('a.png', png({ data, channels }))).toEqual({ width: 3, height: 2, channels, data });
  });

  it.each([2, 4])('leaves out what says that nothing is transparent: %i channels', (channels) => {
    const data = bytes(6 * channels).map((value, index) => (index % channels === channels - 1 ? 255 : value));
    const kept = data.filter((_, index) => index % channels !== channels - 1);
    expect(decodeImage('a.png', png({ data, channels }))).toEqual({
      width: 3,
      height: 2,
      channels: channels - 1,
      data: kept,
    });
  });

  it('takes the upper half of 16 bits', () => {
    const data = Uint16Array.from({ length: 18 }, (_, index) => index * 3000);
    expect(decodeImage('a.png', png({ data, depth: 16 })).data).toEqual(Uint8Array.from(data, (value) => value >>> 8));
  });

  it('reads .jpg, within its loss', () => {
    const rgba = Uint8Array.from({ length: 8 * 8 * 4 }, (_, index) => [200, 100, 50, 255][index % 4]!);
    const image = decodeImage('a.JPG', jpeg.encode({ width: 8, height: 8, data: rgba }, 95).data);
    expect(image).toMatchObject({ width: 8, height: 8, channels: 3 });
    // One colour loses only its rounding.
    image.data.forEach((value, index) => expect(Math.abs(value - [200, 100, 50][index % 3]!)).toBeLessThan(4));
  });

  it.each([
    ['transparent.png', png({ data: bytes(24), channels: 4 }), /transparent\.png: is transparent in places/],
    ['broken.png', png({ data: bytes(18) }).subarray(0, 40), /broken\.png: cannot be read as an image/],
    ['text.jpg', Buffer.from('not an image'), /text\.jpg: cannot be read as an image/],
  ])('refuses %s', (name, content, message) => {
    expect(() => decodeImage(name, content)).toThrow(message);
  });
});

describe('openImages', () => {
  it('reads a folder in the order of names, and nothing else in it', async () => {
    folder.write('good/b.png', png({ data: bytes(18, 9) }));
    folder.write('good/a.png', png({ data: bytes(18) }));
    folder.write('good/notes.txt', 'no image');
    const { data, shape, fingerprint } = await open('good');
    expect(shape).toEqual([2, 2, 3, 3]);
    expect(data).toEqual(Uint8Array.from([...bytes(18), ...bytes(18, 9)]));
    folder.write('good/b.png', png({ data: bytes(18, 8) }));
    expect((await open('good')).fingerprint).not.toBe(fingerprint);
  });

  it.each([
    [1, 'c10.bin'],
    [2, 'c100.bin.gz'],
  ])('reads the binary form with %i labels: colour planes become pixels', async (labels, name) => {
    const image = bytes(3072, 5);
    const record = [...Array<number>(labels).fill(7), ...image];
    const content = Buffer.from([...record, ...record.map((value) => 255 - value)]);
    folder.write(name, name.endsWith('.gz') ? gzipSync(content) : content);
    const { data, shape } = await open(name);
    expect(shape).toEqual([2, 32, 32, 3]);
    for (const [pixel, channel] of [
      [0, 0],
      [1, 2],
      [1023, 1],
    ] as const) {
      expect(data[pixel * 3 + channel]).toBe(image[channel * 1024 + pixel]);
      expect(data[3072 + pixel * 3 + channel]).toBe(255 - image[channel * 1024 + pixel]!);
    }
  });

  it.each([
    [
      'sizes',
      () => png({ data: bytes(36), width: 6 }),
      /other\.png: is 6 x 2 with 3 channels, but a\.png is 3 x 2 with 3 channels/,
    ],
    ['channels', () => png({ data: bytes(6), channels: 1 }), /other\.png: is 3 x 2 with 1 channel, but a\.png/],
  ])('names the image of other %s', async (name, other, message) => {
    folder.write(`${name}/a.png`, png({ data: bytes(18) }));
    folder.write(`${name}/other.png`, other());
    await expect(open(name)).rejects.toThrow(message);
  });

  it('refuses what holds no images', async () => {
    folder.write('empty/readme.txt', '');
    folder.write('odd.bin', new Uint8Array(3000));
    folder.write('data.csv', '1,2');
    await expect(open('empty')).rejects.toThrow(/has no \.png or \.jpg files/);
    await expect(open('odd.bin')).rejects.toThrow(/3000 bytes, which are not whole records/);
    await expect(open('data.csv')).rejects.toThrow(/nor a \.bin or \.bin\.gz file/);
    await expect(open('missing.bin')).rejects.toThrow(/cannot be read/);
  });
});
