import type { Backend } from '../backend/contract.ts';
import { residentBytes, residentTokens, type ResidentTokens } from '../pass/resident-tokens.ts';
import type { ResidentBlock } from '../pass/placed-block.ts';
import { isDdclError } from '../errors/ddcl-error.ts';
import { createRandom, type Random } from '../random/random.ts';
import type { DeviceBlock } from '../tokens/device-blocks.ts';
import type { TokenFeed } from '../tokens/token-feed.ts';
import type { PassOrder } from '../tokens/token-source.ts';
import type { ResolvedFitOptions } from './options.ts';
import type { StepPlan } from './schedule.ts';

/** A block of a step's tokens: on the device already, or on the host and valid until the next one is asked for. */
export type StepBlock = { readonly rows: number } & (DeviceBlock | { readonly resident: ResidentBlock });

/** How the steps of a fit come to their tokens. */
export interface StepTokens {
  /** What lies on the device, if they all do. */
  readonly resident: ResidentTokens | undefined;
  /** One pass in random order (or in stored order), in the groups of blocks that make a step each. */
  epoch(order: PassOrder): AsyncIterable<readonly StepBlock[]>;
  /** One pass, block by block. */
  all(order: PassOrder): AsyncIterable<StepBlock>;
  dispose(): void;
}

/** Tokens are kept on the device where they take at most this many bytes there: 512 MiB. */
export const defaultTokenMemory: number = 2 ** 29;

/**
 * Keeps the tokens on the device if they fit into the option `tokenMemory`, else reads them anew for each pass. A device that cannot hold
 * them after all is no failure: that is told, and they are read.
 */
export async function openStepTokens(
  backend: Backend,
  feed: TokenFeed,
  { tokens, dimension }: { readonly tokens: number; readonly dimension: number },
  plan: StepPlan,
  options: Pick<ResolvedFitOptions, 'dtype' | 'shuffle' | 'tokenMemory' | 'signal' | 'onWarning'>,
  random: Random,
): Promise<StepTokens> {
  const { dtype, signal } = options;
  const bytes = residentBytes(tokens, dimension, feed.dtype, dtype);
  if (bytes > options.tokenMemory) return streamedTokens(feed, plan);
  try {
    const order = options.shuffle ? random.fork('places of tokens') : undefined;
    const sizes = { tokens, dimension, rows: plan.rows, dtype };
    return onDevice(await residentTokens(backend, feed, { ...sizes, random: order, signal }), plan);
  } catch (error) {
    // A RangeError is what a host throws that cannot allocate.
    if (!isDdclError(error, 'limit') && !(error instanceof RangeError)) throw error;
    options.onWarning?.(
      `The device cannot hold the ${Math.ceil(bytes / 2 ** 20)} MiB of tokens (${error.message}), so they are read anew for each pass, which takes longer. A tokenMemory below that saves the attempt.`,
    );
    return streamedTokens(feed, plan);
  }
}

function onDevice(resident: ResidentTokens, { parts }: StepPlan): StepTokens {
  const inOrder = (count: number, order: PassOrder): Int32Array =>
    order === 'stored'
      ? Int32Array.from({ length: count }, (_, index) => index)
      : createRandom(order.seed).permutation(count);
  const blocks = resident.blocks.map(({ tokens, weights, rows }) => ({ rows, resident: { tokens, weights } }));
  const groups = Array.from({ length: Math.ceil(blocks.length / parts) }, (_, index) =>
    blocks.slice(index * parts, (index + 1) * parts),
  );
  return {
    resident,
    async *epoch(order) {
      for (const index of inOrder(groups.length, order)) yield groups[index]!;
    },
    async *all(order) {
      for (const index of inOrder(blocks.length, order)) yield blocks[index]!;
    },
    dispose: () => resident.dispose(),
  };
}

function streamedTokens(feed: TokenFeed, { rows, parts }: StepPlan): StepTokens {
  return {
    resident: undefined,
    async *epoch(order) {
      let group: StepBlock[] = [];
      for await (const block of feed.blocks(order, rows)) {
        // The arrays are reused for the next block, so a step of several blocks needs its own.
        group.push(parts === 1 ? block : { ...block, data: block.data.slice(), weights: block.weights.slice() });
        if (group.length < parts) continue;
        yield group;
        group = [];
      }
      if (group.length > 0) yield group;
    },
    all: (order) => feed.blocks(order, rows),
    dispose: () => {},
  };
}
