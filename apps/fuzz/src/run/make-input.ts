import { createRandom } from '@ddcl/core';
import type { Reader } from '../readers/reader.ts';
import { mutateBytes } from '../inputs/mutate-bytes.ts';
import { oneIn, oneOf } from '../inputs/mutation.ts';

/** Nothing larger is made. */
const mostBytes = 1 << 20;

/** Makes inputs of one reader: the same for the same seed and number, whatever came before. */
export function inputMaker(reader: Reader, seed: number): (index: number) => Uint8Array {
  // Copies: a Buffer has another `slice`.
  const seeds = reader.seeds().map((bytes) => Uint8Array.from(bytes));
  const random = createRandom(seed).fork(reader.name);
  return (index) => {
    const own = random.fork(index);
    let bytes: Uint8Array = oneOf(seeds, own);
    // The files themselves come too: they must be read.
    for (let more = !oneIn(200, own); more; more = own.integer(5) < 2) {
      const mutate = own.integer(3) === 0 ? mutateBytes : oneOf([mutateBytes, ...reader.mutations], own);
      const made = mutate(bytes, own, seeds);
      if (made.length <= mostBytes) bytes = made;
    }
    return reader.finish === undefined || own.integer(2) === 0 ? bytes : reader.finish(bytes);
  };
}
