import { f32, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { requireArgument, requireBackend } from '../checks/require.ts';
import { projectOut } from '../part/projection.ts';
import { outerNames } from '../state/outer-tensors.ts';
import type { QuantizerState } from '../state/state.ts';
import { createLookUp } from './look-up.ts';

/**
 * The vectors [n, m] of codes that need not fit into memory, block by block: what `decode` gives, but products of projections are the backend's, and agree with
 * those of `decode` (sums in float64) to the rounding of float32.
 *
 * @param blocks indices [n, H D], for each head its levels
 * @throws DdclError `argument` for what is no async iterable; `data` for an index that is no code; `shape` for indices that are not whole vectors; whatever the backend throws
 */
export async function* decodeCodes(
  backend: Backend,
  state: QuantizerState,
  blocks: AsyncIterable<ArrayLike<number>>,
): AsyncGenerator<Float32Array> {
  requireBackend(backend);
  const isIterable = typeof blocks?.[Symbol.asyncIterator] === 'function';
  requireArgument('blocks', blocks, isIterable, 'an async iterable of indices');
  const { spec, countOf, find } = createLookUp(state);
  const levels = spec.depth;
  if (!spec.projected) {
    for await (const indices of blocks) {
      countOf(indices);
      yield find(indices, { levels });
    }
    return;
  }
  const width = spec.heads * spec.codeDimension;
  const types = [f32('n', width), f32(width, spec.dimension), f32(spec.dimension)];
  const { outWeight, outBias } = outerNames;
  const executable = await backend.compile(
    trace(types, (y, weight, bias) => [projectOut(spec, { [outWeight]: weight, [outBias]: bias }, y)], 'project codes'),
  );
  const upload = (shape: readonly number[], data: Float32Array) => backend.upload({ dtype: 'float32', shape }, data);
  const own = [
    upload([width, spec.dimension], state.tensors[outWeight]!),
    upload([spec.dimension], state.tensors[outBias]!),
  ];
  try {
    for await (const indices of blocks) {
      const inner = upload([countOf(indices), width], find(indices, { levels }));
      const [vectors] = await executable.run([inner, ...own], { donate: [0] });
      try {
        yield (await backend.download(vectors!)) as Float32Array;
      } finally {
        backend.free(vectors!);
      }
    }
  } finally {
    for (const buffer of own) backend.free(buffer);
    executable.dispose();
  }
}
