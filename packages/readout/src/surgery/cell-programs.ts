import { assign, matmul, mul, reshape, sub, sum, tensorType, type Tensor, type TensorType } from '@ddcl/core';
import { tokenProgram, type PrototypeState, type TokenProgram } from '@ddcl/core/fit';

type Sizes = Pick<PrototypeState, 'count' | 'dimension' | 'dtype'>;

function stateTypes({ count, dimension, dtype }: Sizes): readonly [prototypes: TensorType, temperature: TensorType] {
  return [tensorType(dtype, [count, dimension]), tensorType(dtype, [])];
}

/** `a_n q_nk`, [n, K]. */
function shares(tokens: Tensor, weights: Tensor, prototypes: Tensor, temperature: Tensor): Tensor {
  return mul(assign({ tokens, prototypes, temperature }), reshape(weights, [weights.shape[0]!, 1]));
}

/** Of (prototypes, temperature): `sum_n a_n q_nk` [K] and `sum_n a_n q_nk z_n` [K, m]. */
export function cellMomentsProgram(sizes: Sizes): TokenProgram {
  return tokenProgram('cell moments', stateTypes(sizes), (tokens, weights, prototypes, temperature) => {
    const shared = shares(tokens, weights, prototypes, temperature);
    return { sums: [sum(shared, [0]), matmul(shared, tokens, { transposeA: true })] };
  });
}

/**
 * Of (prototypes, temperature, centroids c [K, m], directions v [K, m]): `sum_n a_n q_nk z_n ((z_n - c_k) . v_k)`, [K, m], which is
 * mass times covariance times direction, if c_k is the cell's centroid.
 */
export function cellProductsProgram(sizes: Sizes): TokenProgram {
  const [matrix, scalar] = stateTypes(sizes);
  return tokenProgram(
    'cell products',
    [matrix, scalar, matrix, matrix],
    (tokens, weights, prototypes, temperature, centroids, directions) => {
      const shared = shares(tokens, weights, prototypes, temperature);
      const origin = reshape(sum(mul(centroids, directions), [1]), [1, sizes.count]);
      const along = mul(shared, sub(matmul(tokens, directions, { transposeB: true }), origin));
      return { sums: [matmul(along, tokens, { transposeA: true })] };
    },
  );
}
