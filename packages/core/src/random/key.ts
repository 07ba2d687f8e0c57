import { DdclError } from '../errors/ddcl-error.ts';

/** Four unsigned 32-bit integers, not all 0: the start of a random stream. */
export type Key = readonly [number, number, number, number];

const golden = 0x9e3779b97f4a7c15n;

/** The finaliser of splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): a one-to-one mix of 64 bits. */
function mix(value: bigint): bigint {
  let z = BigInt.asUintN(64, value);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

function words(first: bigint, second: bigint): Key {
  const key = [first, first >> 32n, second, second >> 32n].map((word) => Number(BigInt.asUintN(32, word)));
  const [a, b, c, d] = key as [number, number, number, number];
  // Four zeros are the one state xoshiro cannot leave. Probability 2^-128, but then it would be for ever.
  return a === 0 && b === 0 && c === 0 && d === 0 ? [1, 0, 0, 0] : [a, b, c, d];
}

/** The key of a seed: the first two outputs of splitmix64, as the authors of xoshiro advise, low half first. */
export function rootKey(seed: number): Key {
  const start = BigInt(seed);
  return words(mix(start + golden), mix(start + 2n * golden));
}

/** The key of a child stream: both 64-bit halves of the parent's key absorb the label, one unit at a time. */
export function childKey(parent: Key, label: number | string): Key {
  if (typeof label === 'number' && !Number.isSafeInteger(label)) {
    throw new DdclError('argument', `The label of a fork must be a safe integer or a text, but ${label} came.`);
  }
  const text = typeof label === 'number' ? String(label) : label;
  // The tag tells the number 1 from the text '1', and the length goes first so that no label is another's prefix.
  const units = [typeof label === 'number' ? 1 : 2, text.length];
  for (let i = 0; i < text.length; i += 1) units.push(text.charCodeAt(i));
  let first = BigInt(parent[0]) | (BigInt(parent[1]) << 32n);
  let second = BigInt(parent[2]) | (BigInt(parent[3]) << 32n);
  for (const unit of units) {
    first = mix((first ^ BigInt(unit)) + golden);
    // Crossing the halves makes each depend on all 128 bits of the parent.
    second = mix((second ^ first) + golden);
    first = mix(first + second);
  }
  return words(first, second);
}
