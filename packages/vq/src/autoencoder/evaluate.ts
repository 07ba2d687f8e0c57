import { broadcastTo, mul, reshape, scalar, square, sub, sum, type Tensor } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { requireBackend } from '../checks/require.ts';
import { assignCodes, assignSoft } from '../part/assign.ts';
import { createCodeCounter, type CodeUse } from '../report/code-use.ts';
import { codesPerVector } from '../spec/layout.ts';
import { requireAutoencoder, type Autoencoder } from './autoencoder.ts';
import { openBlockPass } from './block-pass.ts';
import { blockReader, blockWidth, patchesPerBlock, type Images } from './images.ts';
import { decodeBlocks, encodeBlocks } from './network.ts';

/** How an autoencoder does on images. Errors are mean squares of pixels in 0..1. */
export interface AutoencoderQuality {
  /** Of what is decoded from codes: what counts. */
  readonly hard: number;
  /** Of what is decoded from `ddcl`'s mixtures. */
  readonly soft?: number;
  /** Between the two. */
  readonly gap?: number;
  /** On all these images. */
  readonly use: CodeUse;
}

/** Evaluates an autoencoder on the same images again and again. */
export interface Evaluator {
  evaluate(model: Autoencoder): Promise<AutoencoderQuality>;
  dispose(): void;
}

/** @throws DdclError `shape` or `data` for images that do not fit */
export async function createEvaluator(backend: Backend, model: Autoencoder, images: Images): Promise<Evaluator> {
  requireBackend(backend);
  const spec = requireAutoencoder(model);
  const { sizes } = model;
  const reader = blockReader(images, sizes, model.pixels);
  const [patches, perPatch] = [patchesPerBlock(sizes), codesPerVector(spec)];
  const isSoft = spec.kind === 'ddcl';
  const pass = await openBlockPass(backend, model, reader.source(), (x, a, networks, tensors) => {
    const z = encodeBlocks(sizes, networks, x);
    const rows = Number(x.shape[0]);
    const ones = broadcastTo(scalar(x, 1), [rows * patches]);
    const { indices, hard } = assignCodes(spec, tensors, z, ones);
    const decoded = decodeBlocks(sizes, networks, hard);
    const squares = (p: Tensor, q: Tensor): Tensor => sum(mul(a, sum(square(sub(p, q)), [1])));
    const perToken = [reshape(indices, [rows, patches * perPatch])];
    if (!isSoft) return { perToken, sums: [squares(x, decoded)] };
    const mixed = decodeBlocks(sizes, networks, assignSoft(spec, tensors, z, ones).soft);
    return { perToken, sums: [squares(x, decoded), squares(x, mixed), squares(decoded, mixed)] };
  });
  return {
    async evaluate(now) {
      const counter = createCodeCounter(spec);
      const totals = [0, 0, 0];
      for await (const { sums, perToken } of pass.blocks(now)) {
        counter.add(perToken[0]!);
        sums.forEach((value, index) => (totals[index]! += value[0]!));
      }
      const per = now.pixels.deviation ** 2 / (reader.blocks * blockWidth(sizes));
      const [hard, soft, gap] = totals.map((total) => total * per) as [number, number, number];
      return { hard, ...(isSoft && { soft, gap }), use: counter.report() };
    },
    dispose: () => pass.dispose(),
  };
}
