import type { Backend } from '@ddcl/core/backend';
import { tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import { createState, decode, encodeCodes, packIndices } from '@ddcl/vq';
import type { Contestant, Results } from '../compare/contestant.ts';
import type { PythonPeer } from '../peer/python-peer.ts';
import { normals, sharedFolder } from './folder.ts';

export interface EncodeShape {
  readonly vectors: number;
  readonly dimension: number;
  /** Of 256 codes each: bytes a vector. */
  readonly groups: number;
}

/** Vectors that differ; more are these again. */
const distinct = 50_000;

/** Contestants for the codes of random vectors as bytes, with the same codebooks of random codes. */
export async function encodeContestants(
  backend: Backend,
  { vectors, dimension, groups }: EncodeShape,
  { peer, threads }: { readonly peer?: PythonPeer | undefined; readonly threads: number },
): Promise<Contestant[]> {
  const own = Math.min(vectors, distinct);
  const first = normals(own * dimension, 4);
  const all = new Float32Array(vectors * dimension);
  for (let at = 0; at < all.length; at += first.length) all.set(first.subarray(0, all.length - at), at);
  const books = normals(256 * dimension, 5);
  const begun = createState({ kind: 'vq', dimension, codes: 256, heads: groups });
  const size = books.length / groups;
  const tensors = Object.fromEntries(
    Array.from({ length: groups }, (_, group) => [`codes.${group}.0`, books.slice(group * size, (group + 1) * size)]),
  );
  const state = { ...begun, tensors: { ...begun.tensors, ...tensors } };

  /** Squared distance of each vector that differs to that of its codes: two codes at the same distance may both be right. */
  const distancesTo = (indices: ArrayLike<number>): Results => {
    const decoded = decode(state, indices);
    const distance = new Float64Array(own);
    decoded.forEach((value, at) => (distance[Math.floor(at / dimension)]! += (value - first[at]!) ** 2));
    return { distance };
  };
  const sourceOf = (rows: Float32Array): TokenSource => tokensFromReader(tokensFromArray(rows, dimension));
  const codes = new Array<number>(groups).fill(256);
  const contestants: Contestant[] = [
    {
      name: `ddcl, ${backend.name}`,
      work: 'encode',
      async check() {
        const found = new Int32Array(own * groups);
        for await (const block of encodeCodes(backend, state, sourceOf(first)))
          found.set(block.indices, block.first * groups);
        return distancesTo(found);
      },
      async time() {
        const source = sourceOf(all);
        const began = performance.now();
        for await (const { indices } of encodeCodes(backend, state, source)) packIndices(indices, codes);
        return performance.now() - began;
      },
      dispose() {},
    },
  ];
  if (peer !== undefined) {
    const folder = sharedFolder();
    folder.write({ vectors: first, books });
    await peer.ask({ do: 'loadPq', folder: folder.path, dimension, groups, vectors, threads });
    contestants.push({
      name: 'faiss',
      work: 'encode',
      async check() {
        await peer.ask({ do: 'encode', vectors: own, out: folder.path });
        return distancesTo(folder.indices('indices'));
      },
      time: async () => Number((await peer.ask({ do: 'encode' }))['milliseconds']),
      dispose: () => folder.remove(),
    });
  }
  return contestants;
}
