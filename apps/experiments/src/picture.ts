import { crc32, deflateSync } from 'node:zlib';

/** An RGB picture as PNG (ISO/IEC 15948), without filters. @param pixels [height, width, 3] */
export function png(pixels: Uint8Array, width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits a channel, RGB.
  header.set([8, 2], 8);
  const rows = Buffer.alloc(height * (3 * width + 1));
  for (let row = 0; row < height; row++)
    rows.set(pixels.subarray(row * 3 * width, (row + 1) * 3 * width), row * (3 * width + 1) + 1);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Rows of pictures of 32 x 32 pixels, each enlarged, with a gap between. @param rows of [count, 32, 32, 3] */
export function pictureGrid(rows: readonly Uint8Array[], count: number, zoom = 2): Buffer {
  const [side, gap] = [32 * zoom, 4];
  const [width, height] = [count * (side + gap) + gap, rows.length * (side + gap) + gap];
  const pixels = new Uint8Array(width * height * 3).fill(255);
  rows.forEach((images, row) => {
    for (let image = 0; image < count; image++) {
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const from = ((image * 32 + Math.floor(y / zoom)) * 32 + Math.floor(x / zoom)) * 3;
          const to = ((gap + row * (side + gap) + y) * width + gap + image * (side + gap) + x) * 3;
          pixels.set(images.subarray(from, from + 3), to);
        }
      }
    }
  });
  return png(pixels, width, height);
}
