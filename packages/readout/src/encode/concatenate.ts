import { DdclError } from '@ddcl/core';
import { outputShape, type DdclModel, type ReadoutOutput } from '@ddcl/core/fit';
import type { Encoded, EncodedArray } from './encoded.ts';

/**
 * The results of several batches as one. Outputs per token of padded batches become `[tokens, width]`, since their lengths may
 * differ: padding included, in order.
 */
export function concatenateEncoded(
  parts: readonly Encoded[],
  model: DdclModel,
  outputs: readonly ReadoutOutput[],
): Encoded {
  if (parts.length === 0) {
    throw new DdclError('data', 'There is no batch of tokens to encode. Give at least one.');
  }
  const arrays: { [output in ReadoutOutput]?: EncodedArray } = {};
  for (const output of outputs) {
    const list = parts.map((part) => part[output]!);
    const tail = outputShape(output, model);
    const rows = list.reduce((sum, { shape }) => sum + rowsOf(shape, tail.length), 0);
    const { precision } = list[0]!;
    arrays[output] = {
      precision,
      shape: [rows, ...tail],
      data: join(list.map(({ data }) => data)),
      ...(precision === 'int8' ? { scales: join(list.map(({ scales }) => scales!)) } : {}),
    };
  }
  const total = (name: 'sequences' | 'empty' | 'tokens'): number => parts.reduce((sum, part) => sum + part[name], 0);
  return { ...arrays, sequences: total('sequences'), empty: total('empty'), tokens: total('tokens') };
}

const rowsOf = (shape: readonly number[], tail: number): number =>
  shape.slice(0, shape.length - tail).reduce((product, size) => product * size, 1);

function join<Data extends EncodedArray['data']>(list: readonly Data[]): Data {
  const length = list.reduce((sum, data) => sum + data.length, 0);
  const Type = list[0]!.constructor as new (length: number) => Data;
  const all = new Type(length);
  let at = 0;
  for (const data of list) {
    (all as Float32Array).set(data as Float32Array, at);
    at += data.length;
  }
  return all;
}
