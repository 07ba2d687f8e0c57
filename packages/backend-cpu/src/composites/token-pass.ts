import {
  readTokenPass,
  type CompositeKernel,
  type TokenPassOperands,
  type TokenQuantity,
  type TypedArray,
} from '@ddcl/core/backend';
import type { Arithmetic, Block } from '../arithmetic/arithmetic.ts';
import { packPanels } from '../arithmetic/panels.ts';
import { lossAndGradientPart, lossGradientPart, outputsGradientPart } from './pass-gradients.ts';
import { rowsPart, sumsPart } from './pass-values.ts';
import { chunkRows, ddclData, forEachChunk, storeAll, type DdclData, type TokenChunk } from './token-chunks.ts';

/** What the parts of a pass share. They ask for it when they are made: no scratch memory is taken later. */
export interface PassContext {
  readonly data: DdclData;
  readonly operands: TokenPassOperands<TypedArray>;
  readonly wanted: ReadonlySet<TokenQuantity>;
  /** `y_n` of a chunk, [rows, stride]: computed when somebody asks, once. */
  outputs(): (chunk: TokenChunk) => Block;
  /** P in panels: the second operand of products over prototypes. */
  values(): Block;
}

/** Some of the quantities of a pass. */
export interface PassPart {
  visit(chunk: TokenChunk): void;
  results(): Readonly<Partial<Record<TokenQuantity, ArrayLike<number>>>>;
}

const parts = [rowsPart, sumsPart, lossAndGradientPart, lossGradientPart, outputsGradientPart];

/** `ddcl.tokenPass/1`: whatever is asked of tokens, prototypes and temperature, from one softmax. */
export const tokenPass =
  (arithmetic: Arithmetic): CompositeKernel<TypedArray> =>
  (inputs, call) =>
    arithmetic((scratch) => {
      const { operands, quantities } = readTokenPass(call.attributes, inputs);
      const data = ddclData(scratch, operands, readTokenPass(call.attributes, call.inputTypes).operands.prototypes);
      const context = passContext(data, operands, new Set(quantities));
      const asked = parts.map((make) => make(context)).filter((part) => part !== undefined);
      forEachChunk(data, (chunk) => {
        for (const part of asked) part.visit(chunk);
      });
      const results: Partial<Record<TokenQuantity, ArrayLike<number>>> = {};
      for (const part of asked) Object.assign(results, part.results());
      return storeAll(
        quantities.map((quantity) => results[quantity]!),
        call,
      );
    });

function passContext(
  data: DdclData,
  operands: TokenPassOperands<TypedArray>,
  wanted: ReadonlySet<TokenQuantity>,
): PassContext {
  const { scratch, prototypes, count, dimension, width, stride } = data;
  let panels: Block | undefined;
  const values = (): Block => {
    if (panels !== undefined) return panels;
    panels = scratch.take(count * stride);
    packPanels(prototypes, { start: 0, columns: dimension, column: 1, row: dimension }, count, panels.data);
    return panels;
  };
  let made: Block | undefined;
  let madeFor = -1;
  return {
    data,
    operands,
    wanted,
    values,
    outputs() {
      const b = values();
      const c = (made ??= scratch.take(chunkRows * stride));
      return ({ start, rows, q }) => {
        if (madeFor !== start)
          scratch.multiply({ a: q, rowA: width, stepA: 1, b, c, rows, columns: stride, inner: count });
        madeFor = start;
        return c;
      };
    },
  };
}
