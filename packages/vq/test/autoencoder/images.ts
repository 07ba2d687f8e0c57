import { createRandom } from '@ddcl/core';
import type { Images } from '../../src/index.ts';

/** Images of 8 x 8 pixels in two channels: stripes, across or down, in one of three colours, a little noise. */
export function stripes(count: number, seed: number): Images & { readonly data: Uint8Array } {
  const random = createRandom(seed);
  const data = new Uint8Array(count * 128);
  for (let image = 0; image < count; image++) {
    const [isDown, colour] = [random.integer(2) === 1, 60 + 60 * random.integer(3)];
    for (let pixel = 0; pixel < 64; pixel++) {
      const line = isDown ? pixel % 8 : Math.floor(pixel / 8);
      for (let channel = 0; channel < 2; channel++) {
        const value = (line % 2 === 0 ? colour : 255 - colour) / (channel + 1);
        data[(image * 64 + pixel) * 2 + channel] = Math.max(0, Math.min(255, value + random.integer(9) - 4));
      }
    }
  }
  return { data, shape: [count, 8, 8, 2] };
}
