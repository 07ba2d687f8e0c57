import type { DType, FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import { trace, type Tensor, type TensorsOf } from '../program/trace.ts';
import { frameParameters, framedTokens, type TokenDType } from '../tokens/token-feed.ts';

/** What is made of a block of tokens. */
export interface TokenResults {
  /** Sums over the block's tokens, of any shape; blocks add up. A token of weight 0 must add nothing. */
  readonly sums?: readonly Tensor[];
  /** Numbers of each token: the first size is that of the block. */
  readonly perToken?: readonly Tensor[];
}

/** A computation on tokens, whatever the size of the blocks that they come in and the precision that they are kept in. */
export interface TokenProgram {
  readonly name: string;
  /** What it takes beside tokens and weights. */
  readonly parameters: readonly TensorType[];
  readonly body: (tokens: Tensor, weights: Tensor, ...parameters: Tensor[]) => TokenResults;
}

/** @param body traced for the blocks of a pass: tokens [n, m] in the frame, their weights [n], and a tensor for each parameter */
export function tokenProgram<const Types extends readonly TensorType[]>(
  name: string,
  parameters: Types,
  body: (tokens: Tensor, weights: Tensor, ...parameters: TensorsOf<Types>) => TokenResults,
): TokenProgram {
  return { name, parameters, body: body as TokenProgram['body'] };
}

/** Sizes of the blocks that a pass cuts tokens into, and what they hold. */
export interface BlockSizes {
  /** Tokens of a block, those that fill it up included. */
  readonly rows: number;
  readonly dimension: number;
  /** In which programs compute. */
  readonly dtype: FloatDType;
  /** In which the tokens come. */
  readonly tokenDtype: TokenDType;
}

/** The program of one block, (tokens, weights, ...parameters, ...frame) to (...sums, ...perToken), and how many of its results are sums. */
export function traceTokenProgram(
  { name, parameters, body }: TokenProgram,
  { rows, dimension, dtype, tokenDtype }: BlockSizes,
): { readonly program: Program; readonly sums: number } {
  let sums = 0;
  const of = (kind: DType, shape: readonly number[]): TensorType => tensorType(kind, shape);
  const program = trace(
    [of(tokenDtype, [rows, dimension]), of(dtype, [rows]), ...parameters, ...frameParameters(tokenDtype, dimension)],
    (tokens, weights, ...others) => {
      const frame = others.slice(parameters.length);
      const made = body(framedTokens(tokens!, frame), weights!, ...others.slice(0, parameters.length));
      sums = made.sums?.length ?? 0;
      return [...(made.sums ?? []), ...(made.perToken ?? [])];
    },
    name,
  );
  return { program, sums };
}
