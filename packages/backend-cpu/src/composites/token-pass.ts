import {
  readTokenPass,
  type CompositeInPieces,
  type Pieces,
  type TokenPassOperands,
  type TokenQuantity,
  type TypedArray,
} from '@ddcl/core/backend';
import type { Arithmetic, Block } from '../arithmetic/arithmetic.ts';
import { packInPieces } from '../arithmetic/panels.ts';
import { done } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { lossAndGradientPart, lossGradientPart, outputsGradientPart } from './pass-gradients.ts';
import { rowsPart, sumsPart } from './pass-values.ts';
import { ddclData, forEachChunk, storeAll, type ChunkStep, type DdclData } from './token-chunks.ts';

/** What the parts of a pass share. They ask for it when they are made: no scratch memory is taken later. */
export interface PassContext {
  readonly data: DdclData;
  readonly operands: TokenPassOperands<TypedArray>;
  readonly wanted: ReadonlySet<TokenQuantity>;
  /** `y_n` of each chunk, [rows, stride]: computed if somebody asks, before all steps of parts. */
  outputs(): Block;
  /** P in panels, filled before the first chunk: the second operand of products over prototypes. */
  values(): Block;
}

type PassResults = Readonly<Partial<Record<TokenQuantity, ArrayLike<number>>>>;

/** Some of the quantities of a pass. */
export interface PassPart {
  readonly steps: readonly ChunkStep[];
  results(): PassResults | Pieces<PassResults>;
}

const parts = [rowsPart, sumsPart, lossAndGradientPart, lossGradientPart, outputsGradientPart];

/** `ddcl.tokenPass/1`: whatever is asked of tokens, prototypes and temperature, from one softmax. */
export const tokenPass =
  (arithmetic: Arithmetic): CompositeInPieces<TypedArray> =>
  (inputs, call) =>
    arithmetic(function* (scratch) {
      const { operands, quantities } = readTokenPass(call.attributes, inputs);
      const data = yield* ddclData(
        scratch,
        operands,
        readTokenPass(call.attributes, call.inputTypes).operands.prototypes,
      );
      const context = passContext(data, operands, new Set(quantities));
      const asked = parts.map((make) => make(context)).filter((part) => part !== undefined);
      yield* done(context.pack());
      yield* forEachChunk(data, [...context.steps, ...asked.flatMap(({ steps }) => steps)]);
      const results: Partial<Record<TokenQuantity, ArrayLike<number>>> = {};
      for (const part of asked) Object.assign(results, yield* done(part.results()));
      return yield* storeAll(
        quantities.map((quantity) => results[quantity]!),
        call,
      );
    });

function passContext(
  data: DdclData,
  operands: TokenPassOperands<TypedArray>,
  wanted: ReadonlySet<TokenQuantity>,
): PassContext & { readonly steps: readonly ChunkStep[]; pack(): undefined | Pieces<undefined> } {
  const { scratch, pace, prototypes, count, dimension, width, stride, chunkRows } = data;
  let panels: Block | undefined;
  const values = (): Block => {
    panels ??= scratch.take(count * stride);
    return panels;
  };
  let made: Block | undefined;
  const steps: ChunkStep[] = [];
  return {
    data,
    operands,
    wanted,
    values,
    pack() {
      const place = { start: 0, columns: dimension, column: 1, row: dimension };
      return panels && packInPieces(prototypes, place, count, panels.data);
    },
    steps,
    outputs() {
      if (made !== undefined) return made;
      const [b, c] = [values(), (made = scratch.take(chunkRows * stride))];
      steps.push(({ rows, q }) =>
        multiplied(scratch, { a: q, rowA: width, stepA: 1, b, c, rows, columns: stride, inner: count }, pace),
      );
      return made;
    },
  };
}
