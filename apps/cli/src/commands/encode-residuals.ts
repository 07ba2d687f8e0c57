import type { FloatDType } from '@ddcl/core';
import { encodeSegments, type DdclModel, type EncodedRows, type TokenSource } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { normaliseVectors, residualFloor } from '@ddcl/readout';

/**
 * Residuals of segments (VLAD, docs/math.md section 6): `r_k = sum_n q_nk (z_n - p_k)`, each of length 1, then the segment's K * m numbers as a
 * whole, as `ddcl export --what residuals` does it. Made of occupancies and summaries, `r_k = N o_k (s_k - p_k)`, so that segments may be of any
 * length and in any order; the tokens are passed over twice.
 *
 * @param ids segment of each token, whole numbers >= 0
 * @throws DdclError as core's `encodeSegments`
 */
export async function* encodeResiduals(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  ids: Int32Array,
  options: { readonly dtype: FloatDType; readonly signal: AbortSignal },
): AsyncGenerator<EncodedRows> {
  const { count, dimension, prototypes, totalVariance } = model;
  const occupancies: EncodedRows['data'][] = [];
  for await (const { data, rows } of encodeSegments(backend, model, source, ids, 'occupancy', options)) {
    for (let row = 0; row < rows; row++) occupancies.push(data.subarray(row * count, (row + 1) * count));
  }
  let segment = 0;
  for await (const { data, rows, width } of encodeSegments(backend, model, source, ids, 'summaries', options)) {
    const residuals = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++, segment++) {
      const own = residuals.subarray(row * width, (row + 1) * width);
      for (let place = 0; place < width; place++) {
        const share = occupancies[segment]![Math.floor(place / dimension)]!;
        own[place] = share * (data[row * width + place]! - prototypes[place]!);
      }
      normaliseVectors(own, dimension, residualFloor * Math.sqrt(totalVariance));
      normaliseVectors(own, count * dimension);
    }
    yield { data: residuals, rows, width };
  }
}
