import { resolve } from 'node:path';
import { tokensFromReader } from '@ddcl/core/fit';
import { decodeCodes, encodeCodes } from '@ddcl/vq';
import { Command } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { checkAborted } from '../data/data-error.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { writeNpy } from '../data/npy-writer.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { loadAutoencoder, loadQuantizer } from '../model-folder/quantizer-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { countedReader } from '../tokens/counted-reader.ts';
import { openForModel } from '../tokens/open-tokens.ts';
import { bytesPerVector, openCodes, ownerOf, requireCodesOf, writeCodes } from '../vq/codes-file.ts';
import { undoStandardize } from '../vq/open-vectors.ts';
import { decodeToImages, encodeImageFiles } from './vq-image-codes.ts';
import { withCommand } from './with-command.ts';

interface VqEncodeOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions {
  readonly out: string;
  readonly backend: string;
  readonly json?: boolean;
}

/** `ddcl vq encode`. */
export function vqEncodeCommand(): Command {
  const command = new Command('encode')
    .description('vectors or images to a file of packed codes')
    .argument('<folder>', "folder of 'ddcl vq fit' or 'ddcl vq train'")
    .argument(
      '[data...]',
      "files of vectors or a folder of token shards, as for fit; of 'ddcl vq train' a folder of .png and .jpg files or a .bin(.gz) file of CIFAR",
    )
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command), true).requiredOption(
    '--out <file.codes>',
    'file to write (required); one that is there is replaced',
  );
  return addDataOptions(command, "the quantizer's", "the quantizer's")
    .addOption(backendOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
The file: 'ddclcode', version, codes per vector, number of vectors, checksum of the codebook, K of each code; then the codes as bits without gaps.
Images give one vector of codes for each patch, image by image, row by row.

Examples:
  $ ddcl vq encode pq embeddings.npy --out embeddings.codes
  $ ddcl vq decode pq embeddings.codes --out approximate.npy
  $ ddcl vq encode codes-of-photos photos --out photos.codes`,
    )
    .action(encodeAction);
}

function encodeAction(folder: string, files: string[], options: VqEncodeOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    await checkOutFile('--out', out, '.codes', [folder, ...files, ...(options.text ?? []), options.encoder]);
    const autoencoder = await loadAutoencoder(resolve(folder));
    if (autoencoder !== undefined) return encodeImageFiles(autoencoder, files, options, out, scope);
    const loaded = await loadQuantizer(resolve(folder));
    const chosen = await scope.backend(options.backend, 'float32');
    const { labels: _labels, ...data } = options;
    const { reader } = await openForModel(files, loaded, { ...data, command: 'vq encode', ...scope });
    const { tokens } = reader;
    scope.announce(chosen, tokens * loaded.model.dimension * loaded.model.codes * loaded.model.depth);
    const counted = countedReader(reader, (done) => {
      checkAborted(scope.signal);
      scope.progress.show({ phase: 'encoding', done, total: tokens, unit: 'vectors' });
    });
    const owner = ownerOf(loaded.state);
    const { codes } = owner;
    await writeCodes(out, owner, tokens, encodeCodes(chosen.backend, loaded.state, tokensFromReader(counted)));
    const perVector = bytesPerVector(codes);
    scope.print(
      {
        vectors: tokens,
        codesPerVector: codes.length,
        codes: loaded.model.codes,
        bytesPerVector: perVector,
        backend: chosen.backend.name,
        out,
        seconds: scope.seconds(),
      },
      `codes of ${tokens} vectors, ${perVector} bytes each, written to ${out}`,
    );
  });
}

interface VqDecodeOptions {
  readonly out: string;
  readonly backend: string;
  readonly json?: boolean;
}

/** `ddcl vq decode`. */
export function vqDecodeCommand(): Command {
  return new Command('decode')
    .description('packed codes back to vectors or images')
    .argument('<folder>', "folder of 'ddcl vq fit' or 'ddcl vq train'")
    .argument('<codes>', "file of 'ddcl vq encode'")
    .requiredOption(
      '--out <file.npy>',
      'file to write (required), float32 [n, m], of images [n, height, width, channels] in 0..1; one that is there is replaced',
    )
    .addOption(backendOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample:\n  $ ddcl vq decode pq embeddings.codes --out approximate.npy')
    .action(decodeAction);
}

function decodeAction(folder: string, file: string, options: VqDecodeOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    await checkOutFile('--out', out, '.npy', [folder, file]);
    const autoencoder = await loadAutoencoder(resolve(folder));
    const packed = scope.own(await openCodes(file), ({ close }) => close());
    if (autoencoder !== undefined) return decodeToImages(autoencoder, folder, file, packed, { ...options, out }, scope);
    const { state, model, config } = await loadQuantizer(resolve(folder));
    requireCodesOf(file, packed, folder, ownerOf(state));
    const { backend } = await scope.backend(options.backend, 'float32');
    const { count } = packed;
    async function* rows(): AsyncGenerator<Float32Array> {
      let done = 0;
      for await (const decoded of decodeCodes(backend, state, packed.blocks())) {
        checkAborted(scope.signal);
        const vectors = undoStandardize(decoded, config.preprocessing);
        yield vectors;
        done += vectors.length / model.dimension;
        scope.progress.show({ phase: 'decoding', done, total: count, unit: 'vectors' });
      }
    }
    const shape = [count, model.dimension];
    await writeNpy(out, shape, 'float32', rows());
    scope.print(
      { shape, dtype: 'float32', backend: backend.name, out, seconds: scope.seconds() },
      `vectors [${shape.join(', ')}] written to ${out}`,
    );
  });
}
