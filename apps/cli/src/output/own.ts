/** Takes care that a resource is closed with the others, what came last first; gives it back. */
export type Own = <Resource>(resource: Resource, close: (resource: Resource) => void | Promise<void>) => Resource;

/** Runs something that opens resources. However it ends, they are all closed, also when closing one of them fails. */
export async function owning<Result>(run: (own: Own) => Promise<Result>): Promise<Result> {
  let closeAll = async (): Promise<void> => {};
  const own: Own = (resource, close) => {
    const closeEarlier = closeAll;
    closeAll = async () => {
      try {
        await close(resource);
      } finally {
        await closeEarlier();
      }
    };
    return resource;
  };
  try {
    return await run(own);
  } finally {
    await closeAll();
  }
}
