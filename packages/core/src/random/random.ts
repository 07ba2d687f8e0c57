import { DdclError } from '../errors/ddcl-error.ts';
import { childKey, rootKey, type Key } from './key.ts';
import { naturalLog } from './natural-log.ts';

/** An array that can be shuffled in place. */
export interface Shuffleable<T> {
  readonly length: number;
  [index: number]: T;
}

/**
 * A seeded stream of random numbers, the same on every platform.
 *
 * xoshiro128** (D. Blackman, S. Vigna, *Scrambled linear pseudorandom number generators*, ACM TOMS
 * 47, 2021; prng.di.unimi.it), period 2^128 - 1. Not for cryptography.
 */
export interface Random {
  /** Uniform in [0, 1) with 53 random bits. Takes two steps of the generator. */
  uniform(): number;
  /**
   * Uniform integer in [0, bound), without modulo bias.
   *
   * @throws DdclError `argument` unless `bound` is an integer in 1..2^53 - 1.
   */
  integer(bound: number): number;
  /** Standard normal: mean 0, variance 1. */
  normal(): number;
  /**
   * A uniformly random order of 0..n-1.
   *
   * @throws DdclError `argument` unless `n` is an integer in 0..2^31 - 1.
   */
  permutation(n: number): Int32Array;
  /** Puts the elements of `array` into a uniformly random order, in place (Fisher-Yates). Returns `array`. */
  shuffle<A extends Shuffleable<unknown>>(array: A): A;
  /**
   * An independent stream derived from this stream's seed (or own label) and `label`. It does not depend on
   * how much of this stream was used, nor does it use any. The same label gives the same stream again;
   * the number 1 and the text '1' are different labels.
   *
   * @throws DdclError `argument` when a number is not a safe integer.
   */
  fork(label: number | string): Random;
}

/**
 * A random stream.
 *
 * @param seed safe integer >= 0; different seeds give unrelated streams.
 * @throws DdclError `argument` for any other seed.
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new DdclError('argument', `A seed must be an integer in 0..2^53 - 1, but ${seed} came. Pass for example 0.`);
  }
  const key = rootKey(seed);
  return randomFrom(key, key);
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The generator with the words `start`, whose forks derive from `origin`. */
export function randomFrom(origin: Key, start: Key): Random {
  let [a, b, c, d] = start;

  function next(): number {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  }

  /** 53 random bits as an integer. */
  function next53(): number {
    const high = next() >>> 5;
    return high * 0x4000000 + (next() >>> 6);
  }

  function integer(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new DdclError(
        'argument',
        `The bound of a random integer must be an integer in 1..2^53 - 1, but ${bound} came.`,
      );
    }
    const wide = bound > 2 ** 32;
    const range = wide ? 2 ** 53 : 2 ** 32;
    // Only draws below the largest multiple of `bound` are used, so that every result is equally likely.
    const limit = range - (range % bound);
    for (;;) {
      const draw = wide ? next53() : next();
      if (draw < limit) return draw % bound;
    }
  }

  const random: Random = {
    uniform: () => next53() / 2 ** 53,
    integer,
    normal() {
      // Marsaglia's polar method. Its second number is dropped: a state of four words is worth more.
      for (;;) {
        const u = 2 * random.uniform() - 1;
        const v = 2 * random.uniform() - 1;
        const square = u * u + v * v;
        if (square > 0 && square < 1) return u * Math.sqrt((-2 * naturalLog(square)) / square);
      }
    },
    permutation(n) {
      if (!Number.isInteger(n) || n < 0 || n > 0x7fffffff) {
        throw new DdclError('argument', `A permutation needs a length in 0..2^31 - 1, but ${n} came.`);
      }
      return random.shuffle(Int32Array.from({ length: n }, (_, i) => i));
    },
    shuffle(array) {
      const items: Shuffleable<unknown> = array;
      for (let i = items.length - 1; i > 0; i -= 1) {
        const j = integer(i + 1);
        const held = items[i];
        items[i] = items[j];
        items[j] = held;
      }
      return array;
    },
    fork(label) {
      const key = childKey(origin, label);
      return randomFrom(key, key);
    },
  };
  return random;
}
