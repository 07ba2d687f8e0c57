import {
  readTokenPass,
  type CompositeKernel,
  type TokenPassOperands,
  type TokenQuantity,
  type TypedArray,
} from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';
import { lossAndGradientPart, lossGradientPart, outputsGradientPart } from './pass-gradients.ts';
import { rowsPart, sumsPart } from './pass-values.ts';
import { chunkRows, ddclData, forEachChunk, storeAll, type DdclData, type TokenChunk } from './token-chunks.ts';

/** What the parts of a pass share. */
export interface PassContext {
  readonly data: DdclData;
  readonly operands: TokenPassOperands<TypedArray>;
  readonly wanted: ReadonlySet<TokenQuantity>;
  /** `y_n` of a chunk, [rows, m]: computed when somebody asks, once. */
  readonly outputs: (chunk: TokenChunk) => Float64Array;
  /** P by axis, [m, K]: the second operand of products over prototypes. */
  readonly byAxis: () => Float64Array;
}

/** Some of the quantities of a pass. */
export interface PassPart {
  visit(chunk: TokenChunk): void;
  results(): Readonly<Partial<Record<TokenQuantity, ArrayLike<number>>>>;
}

/** `ddcl.tokenPass/1`: whatever is asked of tokens, prototypes and temperature, from one softmax. */
export const tokenPass: CompositeKernel<TypedArray> = (inputs, call) => {
  const { operands, quantities } = readTokenPass(call.attributes, inputs);
  const data = ddclData(operands, readTokenPass(call.attributes, call.inputTypes).operands.prototypes);
  const context = passContext(data, operands, new Set(quantities));
  const parts = [rowsPart, sumsPart, lossAndGradientPart, lossGradientPart, outputsGradientPart]
    .map((make) => make(context))
    .filter((part) => part !== undefined);
  forEachChunk(data, (chunk) => {
    for (const part of parts) part.visit(chunk);
  });
  const results: Partial<Record<TokenQuantity, ArrayLike<number>>> = Object.assign(
    {},
    ...parts.map((part) => part.results()),
  );
  return storeAll(
    quantities.map((quantity) => results[quantity]!),
    call,
  );
};

function passContext(
  data: DdclData,
  operands: TokenPassOperands<TypedArray>,
  wanted: ReadonlySet<TokenQuantity>,
): PassContext {
  const { prototypes, count, dimension } = data;
  let packed: Float64Array | undefined;
  const byAxis = (): Float64Array => (packed ??= pack(prototypes, 0, dimension, count, false));
  let outputs: Float64Array | undefined;
  let madeFor = -1;
  return {
    data,
    operands,
    wanted,
    byAxis,
    outputs({ start, rows, q }) {
      outputs ??= new Float64Array(chunkRows * dimension);
      if (madeFor !== start) multiplyPacked(q, byAxis(), outputs, 0, rows, dimension, count);
      madeFor = start;
      return outputs;
    },
  };
}
