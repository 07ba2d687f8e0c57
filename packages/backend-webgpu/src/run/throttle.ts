/** Runs between two looks at how far the device is. */
const runsPerLook = 8;
/** Looks that may be open; more runs than their product would queue uploads in host memory. */
const mostOpen = 4;

/** Waits, every few runs, until the device is at most so many runs behind. Never waits for work that was just submitted. */
export function createThrottle(queue: GPUQueue): () => Promise<void> {
  const open: Promise<void>[] = [];
  let runs = 0;
  return async () => {
    if (++runs % runsPerLook !== 0) return;
    open.push(queue.onSubmittedWorkDone());
    if (open.length > mostOpen) await open.shift();
  };
}
