import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { turnGiver } from '../abort/turns.ts';
import { requireTokenSource, type HalfBlock, type TokenBlock, type TokenSource } from './token-source.ts';

/**
 * A source for work that may be stopped: the event loop has a turn now and then between the blocks of a pass, which ends once the signal has
 * fired.
 *
 * @throws DdclError `argument` for what is no source; `aborted` in a pass
 */
export function abortableSource(source: TokenSource, signal: AbortSignalLike | undefined): TokenSource {
  requireTokenSource(source);
  async function* heard<Block extends TokenBlock | HalfBlock>(blocks: AsyncIterable<Block>): AsyncGenerator<Block> {
    const turn = turnGiver();
    for await (const block of blocks) {
      throwIfAborted(signal);
      yield block;
      await turn();
      throwIfAborted(signal);
    }
  }
  const { dimension, tokens } = source;
  const own: TokenSource = { dimension, tokens, blocks: (order) => heard(source.blocks(order)) };
  if (source.halfBlocks === undefined) return own;
  return { ...own, halfBlocks: (order) => heard(source.halfBlocks!(order)) };
}
