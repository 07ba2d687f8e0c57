import { cpuBackend } from '@ddcl/backend-cpu';
import { autoencoderChecksum, autoencoderFromBytes, decodeImages, encodeImages, packIndices } from '@ddcl/vq';
import { encode as encodePng } from 'fast-png';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../../src/data/npy-reader.ts';
import { openImages } from '../../src/images/open-images.ts';
import { ddcl, succeed, testFolder } from './support.ts';

const folder = testFolder();
const [count, side] = [30, 8];
const train = (out: string, ...more: string[]) =>
  ddcl([
    'vq',
    'train',
    folder.at('images'),
    '--codes',
    '4',
    '--out',
    folder.at(out),
    '--epochs',
    '2',
    '--steps',
    '4',
    '--batch',
    '64',
    '--hidden',
    '16',
    ...more,
  ]);

beforeAll(() => {
  for (let image = 0; image < count; image++) {
    // Stripes and a slope, different in each.
    const data = Uint8Array.from({ length: side * side * 3 }, (_, index) => {
      const [x, y] = [Math.floor(index / 3) % side, Math.floor(index / 3 / side)];
      return (40 * ((x * (1 + (image % 3)) + y * (image % 5)) % 6) + 10 * (index % 3)) % 256;
    });
    folder.write(
      `images/${String(image).padStart(2, '0')}.png`,
      encodePng({ width: side, height: side, data, channels: 3 }),
    );
  }
});

describe('ddcl vq train', () => {
  it('writes an autoencoder with its page, which inspect and export know', async () => {
    const { status, stdout, stderr } = await train('model', '--context', '2', '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const measures = JSON.parse(stdout) as { hard: number; soft: number };
    // 4 patches of 2 bits each.
    expect(measures).toMatchObject({
      images: 27,
      heldOut: 3,
      size: [side, side, 3],
      codes: 4,
      bytesPerImage: 1,
      backend: 'cpu',
    });
    const history = folder.read('model/history.jsonl').toString().trim().split('\n');
    expect(history.map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual([1, 2]);
    expect((JSON.parse(history[1]!) as { hard: number }).hard).toBe(measures.hard);

    const page = folder.read('model/report.html').toString();
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(3 * 2 + 1);
    expect(page).toContain('img-src data:');
    for (const id of ['course-error', 'course-use', 'course-perplexity']) expect(page).toContain(`<figure id="${id}">`);

    const inspected = JSON.parse(await succeed(['inspect', folder.at('model'), '--json'])) as object;
    expect(inspected).toMatchObject({ autoencoder: 'ddcl', patch: 4, context: 2, codes: 4, measures: { heldOut: 3 } });

    // An image to its codes, as the library has them.
    await succeed(['vq', 'export', folder.at('model'), '--encoder', folder.at('image.onnx')]);
    const images = await openImages(folder.at('images'), { signal: new AbortController().signal, onProgress() {} });
    const model = autoencoderFromBytes(folder.read('model/autoencoder.safetensors'));
    const { indices } = await encodeImages(cpuBackend(), model, images);
    const session = await ort.InferenceSession.create(new Uint8Array(folder.read('image.onnx')), {
      logSeverityLevel: 4,
    });
    for (const image of [0, 7, 29]) {
      const data = Float32Array.from(
        images.data.subarray(image * side * side * 3, (image + 1) * side * side * 3),
        (value) => value / 255,
      );
      const results = await session.run({ [session.inputNames[0]!]: new ort.Tensor('float32', data, [side, side, 3]) });
      const { data: found, dims } = results[session.outputNames[0]!]!;
      expect(dims).toEqual([2, 2, 1]);
      expect(found).toEqual(indices.slice(4 * image, 4 * image + 4));
    }
  });

  it('encodes and decodes images as the library does', async () => {
    await train('coder', '--context', '2', '--depth', '2');
    const said = JSON.parse(
      await succeed(['vq', 'encode', folder.at('coder'), folder.at('images'), '--out', folder.at('i.codes'), '--json']),
    ) as object;
    // 4 patches of two codes of 2 bits.
    expect(said).toMatchObject({ images: count, vectors: 4 * count, codesPerVector: 2, codes: 4, bytesPerImage: 2 });
    const images = await openImages(folder.at('images'), { signal: new AbortController().signal, onProgress() {} });
    const model = autoencoderFromBytes(folder.read('coder/autoencoder.safetensors'));
    const codes = await encodeImages(cpuBackend(), model, images);
    const checksum = autoencoderChecksum(model);
    expect(folder.read('i.codes')).toEqual(Buffer.from(packIndices(codes.indices, [4, 4], checksum)));
    await succeed([
      'vq',
      'decode',
      folder.at('coder'),
      folder.at('i.codes'),
      '--backend',
      'cpu',
      '--out',
      folder.at('i.npy'),
    ]);
    const { data } = await decodeImages(cpuBackend(), model, codes);
    expect(await readNpy(folder.at('i.npy'))).toMatchObject({ shape: [count, side, side, 3], data });
  });

  it('refuses codes of another autoencoder, images of another size, and vectors', async () => {
    folder.write('i.codes', packIndices(new Int32Array(8), [4], '0123456789abcdef'));
    await train('refuses');
    folder.write('wide/a.png', encodePng({ width: 16, height: 8, data: new Uint8Array(16 * 8 * 3), channels: 3 }));
    folder.write('part.codes', packIndices(new Int32Array(7), [4]));
    const refused: [string[], RegExp][] = [
      [['decode', folder.at('refuses'), folder.at('i.codes'), '--out', folder.at('x.npy')], /of another codebook/],
      [['decode', folder.at('refuses'), folder.at('part.codes'), '--out', folder.at('x.npy')], /7 patches, .* 2 x 2/],
      [
        ['encode', folder.at('refuses'), folder.at('wide'), '--out', folder.at('x.codes')],
        /8 x 16 x 3, but .* 8 x 8 x 3/,
      ],
      [['encode', folder.at('refuses'), '--text', 'a.txt', '--out', folder.at('x.codes')], /takes images/],
      [['encode', folder.at('refuses'), '--out', folder.at('x.codes')], /takes images/],
    ];
    for (const [args, message] of refused) {
      const { status, stderr } = await ddcl(['vq', ...args]);
      expect(stderr).toMatch(message);
      expect(status).toBe(2);
    }
  });

  it('makes the same bytes from the same seed, and draws no codebook where a patch has several codes', async () => {
    for (const out of ['one', 'two']) expect((await train(out, '--groups', '2', '--quantizer', 'ema')).status).toBe(0);
    expect(folder.read('one/autoencoder.safetensors')).toEqual(folder.read('two/autoencoder.safetensors'));
    expect(folder.read('one/report.html').toString()).toContain('A patch has several codes');
  });

  it.each<[string, string[], RegExp]>([
    ['patches that do not divide the images', ['--patch', '5'], /multiples of 5 .*but got 8 x 8/],
    ['a batch of no whole blocks', ['--context', '2', '--batch', '63'], /not whole blocks/],
  ])('refuses %s', async (_, args, message) => {
    const { status, stderr } = await train('refused', ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it('refuses a decoder of images, and too few of them', async () => {
    const exported = await ddcl(['vq', 'export', folder.at('one'), '--decoder', folder.at('x.onnx')]);
    expect(exported.stderr).toContain('Give --encoder FILE.onnx alone');
    expect(exported.status).toBe(2);
    folder.write('few/a.png', folder.read('images/00.png'));
    const few = await ddcl(['vq', 'train', folder.at('few'), '--codes', '4', '--out', folder.at('refused')]);
    expect(few.stderr).toContain('Give at least 10');
    expect(few.status).toBe(2);
  });
});
