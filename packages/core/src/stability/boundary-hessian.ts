import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { inner, subtractScaled } from './part-vectors.ts';
import type { BoundaryTokens } from './boundary-tokens.ts';
import type { HessianProduct } from './device-hessian.ts';

/**
 * Products `H U` with the Hessian of the mean L_q, [K m], from the boundary tokens alone, in float64 (docs/math.md section 3, second
 * order), with the derivative of w in closed form: `dw_nk/dd_nj = (q_nj w_nk + q_nk w_nj - [k = j] (q_nk + w_nk)) / T`.
 */
export function boundaryHessian(tokens: BoundaryTokens, state: PrototypeState): HessianProduct {
  const { vectors, weights, starts, prototypes, q, w, sole, slope } = tokens;
  const { count, dimension, frame } = state;
  const places = toFrame(state.absolute, frame);
  const factor = (2 * frame.scale ** 2) / state.temperature;
  const most = starts.reduce((widest, start, token) => Math.max(widest, start - (starts[token - 1] ?? 0)), 0);
  const change = new Float64Array(most);
  const pull = sole.slice();
  weights.forEach((own, token) => {
    for (let pair = starts[token]!; pair < starts[token + 1]!; pair++) pull[prototypes[pair]!]! += own * w[pair]!;
  });

  return async (direction) => {
    const result = new Float64Array(direction.length);
    const own = new Float64Array(count);
    const totals = new Float64Array(count);
    for (let index = 0; index < direction.length; index++)
      own[Math.floor(index / dimension)]! += places[index]! * direction[index]!;
    for (let token = 0; token < weights.length; token++) {
      const [start, end, from] = [starts[token]!, starts[token + 1]!, token * dimension];
      let [byQ, byW] = [0, 0];
      for (let pair = start; pair < end; pair++) {
        const k = prototypes[pair]!;
        const value = 2 * (own[k]! - inner(vectors, from, direction, k * dimension, dimension));
        change[pair - start] = value;
        byQ += q[pair]! * value;
        byW += w[pair]! * value;
      }
      for (let pair = start; pair < end; pair++) {
        const k = prototypes[pair]!;
        const dw = w[pair]! * byQ + q[pair]! * byW - (q[pair]! + w[pair]!) * change[pair - start]!;
        const coefficient = factor * weights[token]! * dw;
        totals[k]! += coefficient;
        subtractScaled(result, k * dimension, coefficient, vectors, from, dimension);
      }
    }
    for (let index = 0; index < result.length; index++) {
      const k = Math.floor(index / dimension);
      result[index] = (result[index]! + totals[k]! * places[index]! + 2 * pull[k]! * direction[index]!) / slope.weight;
    }
    return result;
  };
}
