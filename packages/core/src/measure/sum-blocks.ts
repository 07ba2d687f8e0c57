import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend, DeviceBuffer, Executable } from '../backend/contract.ts';
import type { FloatDType, TypedArray } from '../program/dtype.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';

/** A block that stays on the device, for programs that pass over the same tokens many times. */
export interface ResidentBlock {
  readonly tokens: DeviceBuffer;
  readonly weights: DeviceBuffer;
}

/**
 * Copies a block to the device. The caller frees both buffers.
 *
 * @param dtype of the program, and of tokens that are not in half precision
 */
export function uploadBlock(backend: Backend, block: DeviceBlock, dtype: FloatDType): ResidentBlock {
  const size = block.weights.length;
  const tokenDtype = block.data instanceof Uint16Array ? 'float16' : dtype;
  const dimension = block.data.length / size;
  return {
    tokens: backend.upload({ dtype: tokenDtype, shape: [size, dimension] }, block.data),
    weights: backend.upload({ dtype, shape: [size] }, block.weights),
  };
}

export interface SumOverBlocksOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Leave the blocks to the caller. Default false. */
  readonly keepBlocks?: boolean;
  /** Called with the last result of each run, which is not added up then. */
  readonly onLast?: ((values: TypedArray) => void) | undefined;
}

/**
 * Runs a program of parameters (tokens [size, m], weights [size], ...shared) over blocks and adds up
 * each result on the host in float64, so that the sum over many blocks loses nothing.
 */
export async function sumOverBlocks(
  backend: Backend,
  executable: Executable,
  blocks: AsyncIterable<ResidentBlock> | Iterable<ResidentBlock>,
  shared: readonly DeviceBuffer[],
  { signal, keepBlocks = false, onLast }: SumOverBlocksOptions = {},
): Promise<Float64Array[]> {
  const totals: Float64Array[] = [];
  for await (const block of blocks) {
    try {
      throwIfAborted(signal);
      const results = await executable.run([block.tokens, block.weights, ...shared]);
      try {
        // Together: on a device each download of its own is a wait of its own.
        const values = await Promise.all(results.map((result) => backend.download(result)));
        addUp(onLast === undefined ? values : values.slice(0, -1), totals);
        onLast?.(values.at(-1)!);
      } finally {
        for (const result of results) backend.free(result);
      }
    } finally {
      if (!keepBlocks) {
        backend.free(block.tokens);
        backend.free(block.weights);
      }
    }
  }
  return totals;
}

function addUp(results: readonly TypedArray[], totals: Float64Array[]): void {
  for (const [index, values] of results.entries()) {
    const total = (totals[index] ??= new Float64Array(values.length));
    for (let element = 0; element < values.length; element++) total[element]! += values[element]!;
  }
}
