import { autoencoderChecksum, decodeImages, encodeImages, resolveSpec, type Images } from '@ddcl/vq';
import { DdclError } from '@ddcl/core';
import { checkAborted } from '../data/data-error.ts';
import { writeNpy } from '../data/npy-writer.ts';
import { openImages } from '../images/open-images.ts';
import { imageSize, type LoadedAutoencoder } from '../model-folder/quantizer-folder.ts';
import { usageError } from '../output/usage-error.ts';
import { bytesPerVector, ownerOf, requireCodesOf, writeCodes, type OpenCodes } from '../vq/codes-file.ts';
import type { CommandScope } from './with-command.ts';

/** Images that are encoded or decoded at once. */
const pieceImages = 64;

/** Options of `ddcl vq encode` that only vectors and text have. */
const ofVectors = ['text', 'textField', 'stripHtml', 'columns', 'tensor'] as const;

interface ImageCodesOptions {
  readonly backend: string;
}

/** `ddcl vq encode` of a folder of `ddcl vq train`: patches of images of the size that it learned from, image by image. */
export async function encodeImageFiles(
  loaded: LoadedAutoencoder,
  files: readonly string[],
  options: ImageCodesOptions & Readonly<Partial<Record<(typeof ofVectors)[number], unknown>>>,
  out: string,
  scope: CommandScope,
): Promise<void> {
  const stray = ofVectors.find((name) => options[name] !== undefined);
  const [path, ...others] = files;
  if (stray !== undefined || path === undefined || others.length > 0) {
    throw usageError(
      'An autoencoder takes images: one folder of .png and .jpg files, or one .bin(.gz) file of CIFAR, and no options of vectors and text.',
    );
  }
  const { model } = loaded;
  const [height, width] = imageSize(loaded);
  const chosen = await scope.backend(options.backend, 'float32');
  const { signal, progress } = scope;
  const images = await openImages(path, {
    signal,
    onProgress: (done, total) => progress.show({ phase: 'reading', done, total, unit: 'images' }),
  });
  const [count, ...size] = images.shape;
  const { patch, channels } = model.sizes;
  if (size[0] !== height || size[1] !== width || size[2] !== channels) {
    throw new DdclError(
      'shape',
      `${path}: the images are ${size.join(' x ')}, but the autoencoder learned from images of ${height} x ${width} x ${channels}. Give images of that size.`,
    );
  }
  scope.announce(chosen, Infinity);
  const patches = (height * width) / patch ** 2;
  const numbers = height * width * channels;
  async function* blocks(): AsyncGenerator<{ readonly indices: Int32Array }> {
    for (let first = 0; first < count; first += pieceImages) {
      checkAborted(signal);
      const rows = Math.min(pieceImages, count - first);
      const data = images.data.subarray(first * numbers, (first + rows) * numbers);
      const piece: Images = { data, shape: [rows, height, width, channels] };
      yield await encodeImages(chosen.backend, model, piece);
      progress.show({ phase: 'encoding', done: first + rows, total: count, unit: 'images' });
    }
  }
  const owner = ownerOf(model.quantizer, autoencoderChecksum(model));
  await writeCodes(out, owner, count * patches, blocks());
  const bytesPerImage = bytesPerVector(owner.codes) * patches;
  scope.print(
    {
      images: count,
      vectors: count * patches,
      codesPerVector: owner.codes.length,
      codes: owner.codes[0],
      bytesPerImage,
      backend: chosen.backend.name,
      out,
      seconds: scope.seconds(),
    },
    `codes of ${count} images of ${patches} patches, ${bytesPerImage} bytes each, written to ${out}`,
  );
}

/** `ddcl vq decode` of a folder of `ddcl vq train`: images [n, height, width, channels] as numbers in 0..1. */
export async function decodeToImages(
  loaded: LoadedAutoencoder,
  folder: string,
  file: string,
  packed: OpenCodes,
  { out, backend: chosen }: { readonly out: string; readonly backend: string },
  scope: CommandScope,
): Promise<void> {
  const { model } = loaded;
  const { sizes, quantizer } = model;
  requireCodesOf(file, packed, folder, ownerOf(quantizer, autoencoderChecksum(model)));
  const [height, width] = imageSize(loaded);
  const grid = [height / sizes.patch, width / sizes.patch] as const;
  const count = packed.count / (grid[0] * grid[1]);
  if (!Number.isSafeInteger(count)) {
    throw new DdclError(
      'shape',
      `${file} has codes of ${packed.count} patches, which are not whole images of ${grid[0]} x ${grid[1]} patches. Give a file that 'ddcl vq encode ${folder}' wrote.`,
    );
  }
  const { heads, depth } = resolveSpec(quantizer.spec);
  const perImage = grid[0] * grid[1] * heads * depth;
  const { backend } = await scope.backend(chosen, 'float32');
  async function* pixels(): AsyncGenerator<Float32Array> {
    let [waiting, done] = [new Int32Array(0), 0];
    for await (const piece of packed.blocks()) {
      const indices = new Int32Array(waiting.length + piece.length);
      indices.set(waiting);
      indices.set(piece, waiting.length);
      const whole = Math.floor(indices.length / perImage);
      for (let first = 0; first < whole; first += pieceImages) {
        checkAborted(scope.signal);
        const rows = Math.min(pieceImages, whole - first);
        const own = indices.subarray(first * perImage, (first + rows) * perImage);
        yield (await decodeImages(backend, model, { indices: own, shape: [rows, ...grid, heads * depth] })).data;
        done += rows;
        scope.progress.show({ phase: 'decoding', done, total: count, unit: 'images' });
      }
      waiting = indices.slice(whole * perImage);
    }
  }
  const shape = [count, height, width, sizes.channels];
  await writeNpy(out, shape, 'float32', pixels());
  scope.print(
    { shape, dtype: 'float32', out, seconds: scope.seconds() },
    `images [${shape.join(', ')}] written to ${out}`,
  );
}
