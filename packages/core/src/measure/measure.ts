import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { nearest } from '../ddcl/nearest.ts';
import { tokenSums } from '../ddcl/token-sums.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import type { Quantities } from './quantities.ts';
import { joinedGroups } from '../metrics/distinct.ts';
import { forEachPair } from '../metrics/pairwise.ts';
import { perplexity } from '../metrics/perplexity.ts';
import { separationSums } from '../metrics/separation.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { frameParameters, framedTokens, type TokenDType } from '../tokens/token-feed.ts';
import type { PrototypeState } from './prototype-state.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { sumOverBlocks, type ResidentBlock } from './sum-blocks.ts';

/**
 * The program that a measurement runs on every block: `tokenSums` for fixed sizes, of (tokens, weights, prototypes, temperature, ...frame).
 *
 * @param withCodes whether the nearest prototype of each token comes last
 */
export function tokenSumsProgram(
  rows: number,
  count: number,
  dimension: number,
  dtype: FloatDType,
  tokenDtype: TokenDType = dtype,
  withCodes = false,
): Program {
  return trace(
    [
      tensorType(tokenDtype, [rows, dimension]),
      tensorType(dtype, [rows]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, []),
      ...frameParameters(tokenDtype, dimension),
    ],
    (tokens, weights, prototypes, temperature, ...frame) => {
      const operands = { tokens: framedTokens(tokens, frame), prototypes, temperature };
      const sums = tokenSums({ ...operands, weights });
      const all = [sums.lq, sums.lols, sums.v, sums.hard, sums.entropy, sums.mass, sums.wins];
      return withCodes ? [...all, nearest(operands).indices] : all;
    },
    'tokenSums',
  );
}

/** What {@link quantitiesFromSums} adds: how the token mass spreads over prototypes. */
export interface MeasuredQuantities extends Quantities {
  /** Sum of token weights. */
  readonly weight: number;
  /** Share of the token weight that each prototype is nearest to, [K]. */
  readonly shares: Float64Array;
}

/**
 * All quantities of docs/math.md section 2 from the summed results of {@link tokenSumsProgram}.
 *
 * @param totalVariance trace of the tokens' covariance, in the tokens' own units; `distinct` joins below 5 % of its root
 */
export function quantitiesFromSums(
  sums: readonly Float64Array[],
  weight: number,
  state: PrototypeState,
  totalVariance: number,
): MeasuredQuantities {
  const [lqSum, lolsSum, vSum, hardSum, entropySum, mass, wins] = sums as readonly [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { count, dimension } = state;
  const unit = state.frame.scale ** 2 / weight;
  const [lq, lols, v] = [lqSum[0]! * unit, lolsSum[0]! * unit, vSum[0]! * unit];
  const joining = 0.05 * Math.sqrt(totalVariance);
  const apart = separationSums(count);
  const groups = joinedGroups(count, joining);
  // One pass for both: for many prototypes it is most of a measurement on a sample.
  forEachPair(state.absolute, count, dimension, (i, j, distance) => {
    apart.add(distance);
    groups.add(i, j, distance);
  });
  return {
    loss: { lq, lols, v, hard: hardSum[0]! * unit, defect: lq === 0 ? 0 : Math.abs(lq - lols - v) / lq },
    separation: apart.result(),
    entropy: Math.max(0, entropySum[0]! / weight),
    used: wins.filter((share) => share > 0).length / count,
    distinct: joining > 0 ? groups.left() : 1,
    perplexity: perplexity(mass.map((share) => Math.max(0, share))),
    weight,
    shares: wins.map((share) => share / weight),
  };
}

export interface MeasureOptions {
  readonly signal?: AbortSignalLike | undefined;
  /** Leave the blocks to the caller instead of freeing each after its use. Default false. */
  readonly keepBlocks?: boolean;
  /** The tokens' frame on the device, for tokens in half precision. Stays the caller's. */
  readonly frame?: readonly DeviceBuffer[];
  /** Called with the nearest prototype of each row of a block, where the measurer was made with codes. */
  readonly onCodes?: ((codes: Int32Array) => void) | undefined;
}

/** Measures prototypes on blocks of one size, as often as wanted: the program is compiled once. */
export interface Measurer {
  /**
   * @param weight sum of the token weights of all blocks, asked for after the last block
   * @throws DdclError `data` if no token has a positive weight
   */
  measure(
    blocks: AsyncIterable<ResidentBlock> | Iterable<ResidentBlock>,
    weight: () => number,
    state: PrototypeState,
    totalVariance: number,
    options?: MeasureOptions,
  ): Promise<MeasuredQuantities>;
  dispose(): void;
}

export interface MeasurerSizes {
  /** Tokens per block. */
  readonly rows: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** In which the tokens come. Default: `dtype`, in the frame. */
  readonly tokenDtype?: TokenDType;
  /** Whether the nearest prototypes of the tokens are wanted too. Default false. */
  readonly withCodes?: boolean;
}

/** Compiles the measurement for blocks of one size. */
export async function createMeasurer(
  backend: Backend,
  { rows, count, dimension, dtype, tokenDtype = dtype, withCodes = false }: MeasurerSizes,
): Promise<Measurer> {
  const executable = await backend.compile(tokenSumsProgram(rows, count, dimension, dtype, tokenDtype, withCodes));
  return {
    async measure(blocks, weight, state, totalVariance, options = {}) {
      const shared = state.upload(backend);
      try {
        const inputs = [...shared, ...(options.frame ?? [])];
        const sums = await sumOverBlocks(backend, executable, blocks, inputs, {
          ...options,
          onLast: withCodes ? (values) => options.onCodes?.(values as Int32Array) : undefined,
        });
        if (!(weight() > 0)) {
          throw new DdclError(
            'data',
            'No token has a positive weight, so there is nothing to measure. Give at least one token with a weight > 0.',
          );
        }
        return quantitiesFromSums(sums, weight(), state, totalVariance);
      } finally {
        for (const buffer of shared) backend.free(buffer);
      }
    },
    dispose: () => executable.dispose(),
  };
}
