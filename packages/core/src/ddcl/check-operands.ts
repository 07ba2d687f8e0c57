import { DdclError } from '../errors/ddcl-error.ts';
import { isFloat } from '../program/dtype.ts';
import { formatType } from '../program/tensor-type.ts';
import type { Tensor } from '../program/trace.ts';

/** The operands that the DDCL functions share. */
export interface DdclOperands {
  /** Token vectors, float [n, m]. */
  readonly tokens: Tensor;
  /** Prototypes, float [K, m]. */
  readonly prototypes: Tensor;
  /** Temperature T > 0, a float scalar, in units of squared distance. An input, so that annealing never recompiles. */
  readonly temperature: Tensor;
}

/** {@link DdclOperands} with a weight for each token. */
export interface WeightedOperands extends DdclOperands {
  /** Token weights a >= 0, float [n]; 0 for padding. */
  readonly weights: Tensor;
}

/** @throws DdclError `shape` or `dtype`, naming the function and the types it got */
export function checkOperands(
  op: string,
  { tokens, prototypes, temperature }: Omit<DdclOperands, 'temperature'> & Partial<DdclOperands>,
  weights?: Tensor,
): void {
  const all = [tokens, prototypes, ...(temperature ? [temperature] : []), ...(weights ? [weights] : [])];
  const fits =
    tokens.shape.length === 2 &&
    prototypes.shape.length === 2 &&
    tokens.shape[1] === prototypes.shape[1] &&
    (temperature?.shape.length ?? 0) === 0 &&
    (weights === undefined || (weights.shape.length === 1 && weights.shape[0] === tokens.shape[0]));
  const got = `got tokens ${formatType(tokens.type)}, prototypes ${formatType(prototypes.type)}${temperature ? `, temperature ${formatType(temperature.type)}` : ''}${weights ? `, weights ${formatType(weights.type)}` : ''}`;
  if (!fits) {
    throw new DdclError(
      'shape',
      `${op} takes tokens [n, m], prototypes [K, m]${temperature ? ', a scalar temperature' : ''}${weights ? ' and weights [n]' : ''}, but ${got}.`,
      {
        op,
        shapes: all.map((tensor) => tensor.shape),
      },
    );
  }
  if (!all.every((tensor) => isFloat(tensor.dtype) && tensor.dtype === tokens.dtype)) {
    throw new DdclError('dtype', `${op} takes floats of one dtype, but ${got}.`, { op });
  }
}
