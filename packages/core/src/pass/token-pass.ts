import type { Backend, Executable } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { FloatDType } from '../program/dtype.ts';
import { blockRows } from '../tokens/block-size.ts';
import type { TokenFrame } from '../tokens/device-blocks.ts';
import { tokenFeed } from '../tokens/token-feed.ts';
import { requireTokenSource, type TokenSource } from '../tokens/token-source.ts';
import { passProgram, type PassProgram } from './pass-program.ts';
import { freeBlock, uploadBlock, type PlacedBlock } from './placed-block.ts';
import { traceTokenProgram, type BlockSizes, type TokenProgram } from './token-program.ts';

/** Tokens that are passed over again and again stay on the device if they take at most this many bytes there. */
const residentBytes = 1 << 26;

export interface TokenPassOptions {
  /** In which programs compute. */
  readonly dtype: FloatDType;
  /** Where programs see the tokens. */
  readonly frame: TokenFrame;
  /** The most numbers that a program makes of one token, such as K. */
  readonly width: number;
  /** How many tokens there are about, for the size of blocks. Default: what the source says, else 4096. */
  readonly tokens?: number | undefined;
  /** Tokens of a block. Default: a power of two that suits the backend. */
  readonly rows?: number | undefined;
  /** Whether there are many passes: tokens that fit into 64 MiB then stay on the device until `dispose`. Default false. */
  readonly repeated?: boolean;
  /** Keep the numbers of tokens of weight 0, for programs that do not sum. Default: zeros, since 0 times an overflow is NaN. */
  readonly keepUnweighted?: boolean;
  /** The most tokens, >= 1, of the block that begins with a token of this number, where that may be fewer than `rows`. */
  readonly cut?: ((first: number) => number) | undefined;
}

/** Tokens on their way through programs on a backend. */
export interface TokenPass {
  /** Tokens of a block, those that fill it up included. */
  readonly rows: number;
  /** Where programs see the tokens. For half precision its offset is rounded to float32, since the device takes it off. */
  readonly frame: TokenFrame;
  /** Makes a program ready for these tokens; it ends with `dispose`. */
  compile(program: TokenProgram): Promise<PassProgram>;
  /** Frees what is held on the device between passes. */
  dispose(): void;
}

/**
 * The way over tokens for whatever computes on them: they are cut into blocks of one size, mapped into a frame (tokens in half
 * precision on the device, where the backend has float16), uploaded, run, read, added up and freed. Memory is that of two blocks,
 * whatever the number of tokens.
 *     const pass = tokenPass(backend, source, { dtype: 'float32', frame, width: 1 });
 *     try {
 *       const spread = await pass.compile(
 *         tokenProgram('spread', [], (tokens, weights) => ({ sums: [sum(mul(weights, sum(square(tokens), [1])))] })),
 *       );
 *       const { sums, weight } = await spread.sum([], { signal });
 *     } finally {
 *       pass.dispose();
 *     }
 *
 * @throws DdclError `argument` for what is no source, or a frame that does not fit it
 */
export function tokenPass(
  backend: Backend,
  source: TokenSource,
  {
    dtype,
    frame,
    width,
    tokens = source.tokens ?? 4096,
    rows,
    repeated = false,
    keepUnweighted,
    cut,
  }: TokenPassOptions,
): TokenPass {
  requireTokenSource(source);
  const { dimension } = source;
  requireFrame(frame, dimension);
  const feed = tokenFeed(backend, source, frame, dtype);
  const size = rows ?? blockRows({ tokens, dimension, prototypes: width }, dtype, backend.capabilities);
  const sizes: BlockSizes = { rows: size, dimension, dtype, tokenDtype: feed.dtype };
  const keeps = repeated && tokens * dimension * 8 <= residentBytes;
  const frameBuffers = feed.uploadFrame();
  const executables: Executable[] = [];
  let kept: PlacedBlock[] | undefined;
  let filling: Promise<PlacedBlock[]> | undefined;
  let isDisposed = false;

  async function* upload(): AsyncGenerator<PlacedBlock> {
    let first = 0;
    for await (const block of feed.blocks('stored', size, { keepUnweighted, cut })) {
      const { rows: own, weight } = block;
      const tokenWeights = block.weights.slice(0, own);
      yield { ...uploadBlock(backend, block, dtype), first, rows: own, tokenWeights, weight };
      first += own;
    }
  }
  async function fill(): Promise<PlacedBlock[]> {
    const blocks: PlacedBlock[] = [];
    try {
      for await (const block of upload()) {
        blocks.push(block);
        // Nobody would free them.
        if (isDisposed) throw new DdclError('disposed', 'The pass was disposed while its tokens were read.');
      }
      return (kept = blocks);
    } catch (error) {
      for (const block of blocks) freeBlock(backend, block);
      throw error;
    } finally {
      filling = undefined;
    }
  }
  /** Passes that begin while the first one still uploads wait for the same blocks. */
  async function* keep(): AsyncGenerator<PlacedBlock> {
    yield* kept ?? (await (filling ??= fill()));
  }

  return {
    rows: size,
    frame: feed.frame,
    async compile(tokenProgram) {
      const { program, sums } = traceTokenProgram(tokenProgram, sizes);
      const executable = await backend.compile(program);
      executables.push(executable);
      return passProgram(backend, executable, sums, { size, keeps, frame: frameBuffers, open: keeps ? keep : upload });
    },
    dispose() {
      isDisposed = true;
      for (const executable of executables.splice(0)) executable.dispose();
      for (const buffer of frameBuffers.splice(0)) backend.free(buffer);
      for (const block of kept ?? []) freeBlock(backend, block);
      kept = undefined;
    },
  };
}

function requireFrame({ offset, scale }: TokenFrame, dimension: number): void {
  if (!(scale > 0 && scale < Infinity)) {
    throw new DdclError(
      'argument',
      `The scale of a frame must be a finite number > 0, but is ${scale}. Use 1 for none.`,
    );
  }
  if (offset.length === dimension) return;
  throw new DdclError(
    'argument',
    `The offset of a frame must have a number per component, ${dimension} here, but has ${offset.length}.`,
  );
}
