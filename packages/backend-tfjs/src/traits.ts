import { DdclError } from '@ddcl/core/backend';
import type { Tfjs } from './tfjs.ts';

/** How a tfjs backend computes what tfjs leaves to it: data for kernels, so that no kernel asks for names. */
export interface Traits {
  /** int32 products are rounded to a double before they wrap around. */
  readonly roundsProducts: boolean;
  /** `cast` relabels the operand's memory: an int32 beyond 2^24 stays what no float32 is. */
  readonly castRelabels: boolean;
  /** Whether products run faster on operands that were transposed before than with the flags of `matMul`. */
  readonly transposesFirst: boolean;
  /** Whether inner products of rows are faster as one product for each row than as products of elements that are summed. */
  readonly dotsByProducts: boolean;
  /** `tanh` loses its digits next to 0, or is NaN far out. */
  readonly roughTanh: boolean;
  readonly deterministic: boolean;
  readonly preferredElements: number;
  readonly maxBufferBytes: number;
}

const processor: Traits = {
  roundsProducts: false,
  castRelabels: false,
  transposesFirst: false,
  dotsByProducts: false,
  roughTanh: false,
  deterministic: true,
  preferredElements: 2 ** 20,
  maxBufferBytes: 2 ** 31,
};

const card: Traits = {
  ...processor,
  roughTanh: true,
  deterministic: false,
  preferredElements: 2 ** 24,
  maxBufferBytes: 2 ** 28,
};

const known: Readonly<Record<string, Traits>> = {
  // Rows of 384 numbers: 13 instead of 101 ms for 8,192 on cpu, 5 instead of 10 on tfjs-node, but 6 instead of 5 on wasm (4.22).
  cpu: { ...processor, roundsProducts: true, castRelabels: true, dotsByProducts: true },
  // The flags of matMul took 6 to 18 times as long as a transposition before it (tfjs 4.22, Node).
  wasm: { ...processor, transposesFirst: true, maxBufferBytes: 2 ** 29 },
  // tfjs-node and tfjs-node-gpu: several threads, and on cards sums in any order.
  tensorflow: { ...processor, deterministic: false, dotsByProducts: true },
  webgl: card,
  webgpu: card,
};

/**
 * What to know of the backend on which tfjs runs; of one by another author, what holds for all.
 *
 * @throws DdclError `unsupported` for WebGL without 32-bit floats
 */
export function traitsOf(tf: Tfjs): Traits {
  const name = tf.getBackend();
  if (name === 'webgl') {
    const missing = tf.env().getBool('WEBGL_FORCE_F16_TEXTURES') || !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
    if (missing)
      throw new DdclError(
        'unsupported',
        "tfjs runs on 'webgl' with floats of 16 bits, in which distances and their differences have no digits left (WEBGL_RENDER_FLOAT32_ENABLED is false, or WEBGL_FORCE_F16_TEXTURES true). Choose another backend first: await tf.setBackend('webgpu'), 'wasm' or 'cpu'.",
      );
    const side = tf.env().getNumber('WEBGL_MAX_TEXTURE_SIZE');
    return { ...card, maxBufferBytes: Math.min(card.maxBufferBytes, 4 * side * side) };
  }
  return known[name] ?? { ...card, roundsProducts: true, castRelabels: true };
}
