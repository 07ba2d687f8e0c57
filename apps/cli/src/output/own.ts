/** Takes care that a resource is closed with the others, what came last first; gives it back. */
export type Own = <Resource>(resource: Resource, close: (resource: Resource) => void | Promise<void>) => Resource;

/**
 * Runs something that opens resources. However it ends, they are all closed, also when closing one of them fails.
 * Of several errors the first is thrown: what closing says after a failure is a consequence of it.
 */
export async function owning<Result>(run: (own: Own) => Promise<Result>): Promise<Result> {
  const closings: (() => void | Promise<void>)[] = [];
  const errors: unknown[] = [];
  let result: Result | undefined;
  try {
    result = await run((resource, close) => {
      closings.push(() => close(resource));
      return resource;
    });
  } catch (error) {
    errors.push(error);
  }
  for (const close of closings.reverse()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return result as Result;
}
