import type { Backend, Executable } from '../backend/contract.ts';
import { nearest } from '../ddcl/nearest.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { tokenPass, type TokenPass } from '../pass/token-pass.ts';
import type { PassProgram } from '../pass/pass-program.ts';
import { tokenProgram } from '../pass/token-program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { TokenSample } from './relocate.ts';

/** What relocation knows about the cells of prototypes: the tokens nearest to each. */
export interface Cells {
  /** Nearest prototype of each token. */
  readonly codes: Int32Array;
  /** What the summed hard error would rise by without a prototype; 0 for one that is unused, about 0 for one of a merged pair. */
  readonly cost: Float64Array;
  /** The prototype nearest to each. */
  readonly heir: Int32Array;
}

/** Assigns the tokens of a sample, which stay on the device between calls. */
export interface CellAssigner {
  /**
   * Assigns every token to its nearest prototype (the lowest at a tie) and prices the removal of each prototype.
   *
   * @param prototypes [K, m], K >= 2
   */
  assign(prototypes: Float64Array): Promise<Cells>;
  dispose(): void;
}

/** @param count number of prototypes K, >= 2 */
export async function createCellAssigner(
  backend: Backend,
  { rows, weights, dimension }: TokenSample,
  count: number,
): Promise<CellAssigner> {
  const dtype = rows instanceof Float64Array && backend.capabilities.dtypes.includes('float64') ? 'float64' : 'float32';
  const type = tensorType(dtype, [count, dimension]);
  const frame = { offset: new Float64Array(dimension), scale: 1 };
  const source = tokensFromReader(tokensFromArray(rows, dimension));
  const pass: TokenPass = tokenPass(backend, source, { dtype, frame, width: count, repeated: true });
  const executables: Executable[] = [];
  const dispose = (): void => {
    pass.dispose();
    for (const executable of executables.splice(0)) executable.dispose();
  };
  try {
    const two: PassProgram = await pass.compile(
      tokenProgram('nearest two', [type], (tokens, _weights, prototypes) => {
        const { indices, distances } = nearest({ tokens, prototypes }, 2);
        return { perToken: [indices, distances] };
      }),
    );
    const heirs = await backend.compile(
      trace([type], (prototypes) => [nearest({ tokens: prototypes, prototypes }, 2).indices], 'nearest prototypes'),
    );
    executables.push(heirs);
    return {
      async assign(prototypes) {
        const codes = new Int32Array(weights.length);
        const cost = new Float64Array(count);
        let token = 0;
        const numbers = asDType(prototypes, dtype);
        const buffer = backend.upload({ dtype, shape: [count, dimension] }, numbers);
        try {
          await two.sum([buffer], {
            onRows(indices, distances) {
              for (let at = 0; at < indices!.length; at += 2, token++) {
                const winner = indices![at]!;
                codes[token] = winner;
                cost[winner]! += weights[token]! * (distances![at + 1]! - distances![at]!);
              }
            },
          });
          const [found] = await heirs.run([buffer]);
          const pairs = await backend.download(found!);
          backend.free(found!);
          // The nearest of a prototype is itself, or a twin of a lower number.
          const heir = Int32Array.from({ length: count }, (_, k) =>
            pairs[2 * k] === k ? pairs[2 * k + 1]! : pairs[2 * k]!,
          );
          return { codes, cost, heir };
        } finally {
          backend.free(buffer);
        }
      },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}
