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
        const summed = onLast === undefined ? results : results.slice(0, -1);
        await addResults(backend, summed, totals);
        onLast?.(await backend.download(results.at(-1)!));
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

async function addResults(backend: Backend, results: readonly DeviceBuffer[], totals: Float64Array[]): Promise<void> {
  for (const [index, result] of results.entries()) {
    const values = await backend.download(result);
    const total = (totals[index] ??= new Float64Array(values.length));
    for (let element = 0; element < values.length; element++) total[element]! += values[element]!;
  }
}
