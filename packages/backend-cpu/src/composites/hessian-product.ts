import type { CompositeInPieces, TypedArray } from '@ddcl/core/backend';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { copyWork, done, inPieces } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { ddclData, forEachChunk, storeAll, takeKeys, type ChunkStep } from './token-chunks.ts';
import { createTokenSum, prototypeMatrix } from './token-sum.ts';

/** What the loops over a token's prototypes take for each, in multiply-adds. */
const loopWork = 16;

/** `ddcl.hessianProduct/1` (tokens, weights, prototypes, temperature, direction): docs/math.md section 3, second order, in one pass. */
export const hessianProduct =
  (arithmetic: Arithmetic): CompositeInPieces<TypedArray> =>
  ([tokens, weights, prototypes, temperature, direction], call) =>
    arithmetic(function* (scratch) {
      const operands = { tokens: tokens!, prototypes: prototypes!, temperature: temperature! };
      const data = yield* ddclData(scratch, operands, call.inputTypes[2]!);
      const { pace, count, dimension, width, stride, chunkRows, temperature: t } = data;
      const along = new Float64Array(direction!);
      const own = new Float64Array(count);
      const addOwn = (from: number, to: number): void => {
        for (let index = from; index < to; index++)
          own[Math.floor(index / dimension)]! += along[index]! * data.prototypes[index]!;
      };
      yield* done(inPieces({ length: along.length, work: 2 * copyWork, visit: addOwn }, undefined));

      const directions = yield* takeKeys(scratch, along, count, dimension);
      const inner = scratch.take(chunkRows * width);
      const coefficients = scratch.take(chunkRows * width);
      const [changes, pulls] = [new Float64Array(count), new Float64Array(count)];
      const tokenSum = createTokenSum(data);
      const addRows: ChunkStep = ({ start, rows, q: { data: q }, distances, errors }) => {
        const [products, into] = [inner.data, coefficients.data];
        for (let row = 0; row < rows; row++) {
          const weight = weights![start + row]!;
          const first = row * width;
          const change = (k: number): number => 2 * (own[k]! - products[first + k]!);
          let mean = 0;
          for (let k = 0; k < count; k++) mean += q[first + k]! * change(k);
          let dError = 0;
          for (let k = 0; k < count; k++) {
            const dq = (-q[first + k]! * (change(k) - mean)) / t;
            dError += dq * distances[first + k]! + q[first + k]! * change(k);
          }
          for (let k = 0; k < count; k++) {
            const probability = q[first + k]!;
            const factor = 1 - (distances[first + k]! - errors[row]!) / t;
            const dq = (-probability * (change(k) - mean)) / t;
            const dw = weight * (dq * factor - (probability * (change(k) - dError)) / t);
            into[first + k] = dw;
            changes[k]! += dw;
            pulls[k]! += weight * probability * factor;
          }
        }
        pace.add(loopWork * rows * count);
        return undefined;
      };
      yield* forEachChunk(data, [
        ({ rows, tokens: a }) => {
          const product = {
            a,
            rowA: stride,
            stepA: 1,
            b: directions,
            c: inner,
            rows,
            columns: width,
            inner: dimension,
          };
          return multiplied(scratch, product, pace);
        },
        addRows,
        ({ rows, tokens: a }) => tokenSum.add(coefficients, a, rows),
      ]);
      const result = yield* done(
        prototypeMatrix(
          data,
          (k, axis, index) =>
            2 * (changes[k]! * data.prototypes[index]! - tokenSum.at(k, axis) + pulls[k]! * along[index]!),
        ),
      );
      return yield* storeAll([result], call);
    });
