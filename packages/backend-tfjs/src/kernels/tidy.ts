import type { Tfjs, TfTensor } from '../tfjs.ts';

/** `tf.tidy` around what gives several tensors, some of which may be left out. */
export function tidyAll(tf: Tfjs, work: () => readonly (TfTensor | undefined)[]): readonly (TfTensor | undefined)[] {
  let made: readonly (TfTensor | undefined)[] = [];
  tf.tidy(() => {
    made = work();
    return made.filter((tensor) => tensor !== undefined);
  });
  return made;
}
