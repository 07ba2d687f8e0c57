import { nearest, tensorType, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import type { Contestant, Results } from '../compare/contestant.ts';
import type { PythonPeer } from '../peer/python-peer.ts';
import { normals, sharedFolder } from './folder.ts';

export interface NearestShape {
  readonly tokens: number;
  readonly dimension: number;
  readonly codes: number;
}

/** Products of a block of tokens with all codes are at most about this many numbers (256 MiB) where an array holds them. */
const blockElements = 1 << 26;

export const tokensOfBlock = ({ tokens, codes }: NearestShape): number =>
  Math.min(tokens, Math.max(1, Math.floor(blockElements / codes)));

interface Given {
  readonly shape: NearestShape;
  readonly tokens: Float32Array;
  readonly codes: Float32Array;
}

/**
 * Squared distances of the tokens of the first block to the codes that were found, in float64: contestants agree in them, and may differ in which of two codes at the same
 * distance they take.
 */
function distancesTo({ shape, tokens, codes }: Given, found: ArrayLike<number>): Results {
  const { dimension: m } = shape;
  const distance = Float64Array.from({ length: tokensOfBlock(shape) }, (_, token) => {
    let sum = 0;
    for (let axis = 0; axis < m; axis++) sum += (tokens[token * m + axis]! - codes[found[token]! * m + axis]!) ** 2;
    return sum;
  });
  return { distance };
}

/** Contestants for the nearest code of each of N tokens of random numbers: ours, tfjs, and PyTorch where there is a peer. */
export async function nearestContestants(
  backend: Backend,
  shape: NearestShape,
  {
    peer,
    threads,
    rounds,
  }: { readonly peer?: PythonPeer | undefined; readonly threads: number; readonly rounds: number },
): Promise<Contestant[]> {
  const { tokens: n, dimension: m, codes: k } = shape;
  const given = { shape, tokens: normals(n * m, 1), codes: normals(k * m, 2) };
  const contestants = [await ours(backend, given, rounds), await tfjs(given, rounds)];
  if (peer !== undefined) contestants.push(...(await torch(peer, given, { threads, rounds })));
  return contestants;
}

async function ours(backend: Backend, given: Given, rounds: number): Promise<Contestant> {
  const { tokens: n, dimension: m, codes: k } = given.shape;
  const [z, p] = [tensorType('float32', [n, m]), tensorType('float32', [k, m])];
  const executable = await backend.compile(
    trace([z, p], (tokens, prototypes) => [nearest({ tokens, prototypes }).indices], 'nearest codes'),
  );
  const buffers = [
    backend.upload({ dtype: 'float32', shape: [n, m] }, given.tokens),
    backend.upload({ dtype: 'float32', shape: [k, m] }, given.codes),
  ];
  const call = async (): Promise<{ readonly found: ArrayLike<number>; readonly milliseconds: number }> => {
    const began = performance.now();
    const [indices] = await executable.run(buffers);
    const found = await backend.download(indices!);
    const milliseconds = performance.now() - began;
    backend.free(indices!);
    return { found, milliseconds };
  };
  return {
    name: `ddcl, ${backend.name}`,
    work: 'nearest codes',
    rounds,
    check: async () => distancesTo(given, (await call()).found),
    time: async () => (await call()).milliseconds,
    dispose() {
      for (const buffer of buffers) backend.free(buffer);
      executable.dispose();
    },
  };
}

/** Products with the squares added and argMin, block by block, on one thread: tfjs has no more of them in Node. Smaller blocks are slower. */
async function tfjs(given: Given, rounds: number): Promise<Contestant> {
  await tf.setBackend('wasm');
  await tf.ready();
  const { tokens: n, dimension: m, codes: k } = given.shape;
  const block = tokensOfBlock(given.shape);
  const z = tf.tensor2d(given.tokens, [n, m]);
  const p = tf.tensor2d(given.codes, [k, m]);
  const call = async (rows: number): Promise<Int32Array> => {
    const found = new Int32Array(rows);
    const [keys, squares] = tf.tidy(() => [tf.transpose(tf.mul(p, -2)) as tf.Tensor2D, tf.sum(tf.mul(p, p), 1)]);
    for (let first = 0; first < rows; first += block) {
      const own = tf.tidy(() => {
        const part = tf.slice(z, [first, 0], [Math.min(block, rows - first), m]);
        return tf.argMin(tf.fused.matMul({ a: part, b: keys, bias: squares }), 1);
      });
      found.set((await own.data()) as Int32Array, first);
      own.dispose();
    }
    tf.dispose([keys, squares]);
    return found;
  };
  return {
    name: `tfjs wasm, products and argMin in blocks of ${block.toLocaleString('en')} tokens, one thread`,
    work: 'nearest codes',
    rounds,
    check: async () => distancesTo(given, await call(block)),
    async time() {
      const began = performance.now();
      await call(n);
      return performance.now() - began;
    },
    dispose: () => tf.dispose([z, p]),
  };
}

/** Numbers of a block of PyTorch's that its processor's caches hold: memory that is new to a process costs it more than the products. */
const cachedElements = 1 << 20;
/** Blocks of fewer tokens have products too small to share among threads. */
const fewestTokens = 256;

/** The plain form, and the quickest that was found: blocks in caches, and `min`, which is quicker than `argmin`. */
async function torch(
  peer: PythonPeer,
  given: Given,
  { threads, rounds }: { readonly threads: number; readonly rounds: number },
): Promise<Contestant[]> {
  const { tokens: n, dimension: m, codes: k } = given.shape;
  const folder = sharedFolder();
  folder.write({ tokens: given.tokens, codes: given.codes, upstream: given.tokens });
  await peer.ask({ do: 'load', folder: folder.path, shape: [n, m, k], threads, temperature: 1 });
  const checked = tokensOfBlock(given.shape);
  const contestantOf = (op: string, block: number): Contestant => ({
    name: `PyTorch, products and ${op} in blocks of ${block.toLocaleString('en')} tokens`,
    work: 'nearest codes',
    rounds,
    async check() {
      await peer.ask({ do: 'nearest', tokens: checked, block, op, out: folder.path });
      return distancesTo(given, folder.indices('indices'));
    },
    time: async () => Number((await peer.ask({ do: 'nearest', tokens: n, block, op }))['milliseconds']),
    dispose: () => folder.remove(),
  });
  return [contestantOf('argmin', checked), contestantOf('min', Math.max(fewestTokens, Math.floor(cachedElements / k)))];
}
