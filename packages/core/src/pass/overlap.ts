/**
 * Works on items one after another, and asks for the next one while the work on the one before is under way.
 *
 * @param work takes an item over, also if it fails
 * @param drop ends an item that was asked for and not worked on, since work, source or consumer ended first
 */
export async function* overlap<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  drop: (item: Item) => void,
): AsyncGenerator<Result> {
  const iterator = items[Symbol.asyncIterator]();
  let ahead: IteratorResult<Item> | undefined;
  try {
    ahead = await iterator.next();
    while (ahead !== undefined && ahead.done !== true) {
      const item: Item = ahead.value;
      ahead = undefined;
      const both = [work(item), iterator.next()] as const;
      const [made, next]: [PromiseSettledResult<Result>, PromiseSettledResult<IteratorResult<Item>>] =
        await Promise.allSettled(both);
      if (next.status === 'fulfilled') ahead = next.value;
      if (made.status === 'rejected') throw made.reason;
      yield made.value;
      if (next.status === 'rejected') throw next.reason;
    }
  } finally {
    if (ahead !== undefined && ahead.done !== true) drop(ahead.value);
    await iterator.return?.();
  }
}
