import { createRandom } from '@ddcl/core';
import type { QuantizerSpec } from '@ddcl/vq';
import type { Answer, PythonPeer } from '../peer/python-peer.ts';
import { runOurs, type QuantizerCase, type QuantizerRun } from './run-ours.ts';

/** How far a quantizer is from the peer's, relative to the largest number of each. */
export interface Agreement {
  readonly name: string;
  /** Indices that differ. */
  readonly indices: number;
  readonly output: number;
  readonly loss: number;
  /** With respect to latents, and to the matrix of `simvq`. */
  readonly gradient: number;
  /** After a batch, of running averages. */
  readonly codes?: number;
}

const [n, m, k] = [64, 3, 8];

/** Names, specs, and what the peer needs to know beside the spec. */
const cases: readonly (readonly [name: string, spec: QuantizerSpec])[] = [
  ...(['ema', 'rotation', 'cosine'] as const).map(
    (kind) => [kind, { kind, dimension: m, codes: k, decay: 0.8, commitment: 0.25 }] as const,
  ),
  ...(['bounded', 'symmetric'] as const).map(
    (variant) => [`fsq, ${variant}`, { kind: 'fsq', dimension: m, levels: [8, 5, 3], variant }] as const,
  ),
  ['lfq', { kind: 'lfq', dimension: m, codes: k, commitment: 0.25, inverseTemperature: 0.3 }],
  ...(['straight-through', 'rotation'] as const).map(
    (estimator) => [`simvq, ${estimator}`, { kind: 'simvq', dimension: m, codes: k, estimator }] as const,
  ),
];

function drawCase(spec: QuantizerSpec, seed: number): QuantizerCase {
  const random = createRandom(seed);
  const normal = (count: number): number[] => Array.from({ length: count }, () => Math.fround(random.normal()));
  const base = { spec, z: normal(n * m), upstream: normal(n * m) };
  if (spec.kind === 'simvq') return { ...base, tensors: { 'frame.0.0': normal(k * m), 'matrix.0.0': normal(m * m) } };
  if (spec.kind === 'fsq' || spec.kind === 'lfq') return { ...base, tensors: {} };
  const rows = Array.from({ length: k }, () => normal(m)).map((row) => {
    const length = spec.kind === 'cosine' ? Math.hypot(...row) : 1;
    return row.map((value) => value / length);
  });
  return { ...base, tensors: { 'codes.0.0': rows.flat(), 'mass.0.0': new Array<number>(k).fill(1 / k) } };
}

/** Seeds of each case. */
const seeds = [1, 2, 3, 4, 5];

export async function compareQuantizers(peer: PythonPeer, onStage: (stage: string) => void): Promise<Agreement[]> {
  const rows: Agreement[] = [];
  for (const [name, spec] of cases) {
    onStage(name);
    const found: Agreement[] = [];
    for (const seed of seeds) {
      const given = drawCase(spec, seed);
      const { tensors, z, upstream } = given;
      const answer = await peer.ask({
        do: 'quantize',
        entropyWeight: 0.1,
        diversity: 1,
        ...spec,
        n,
        m,
        k,
        z,
        upstream,
        codes: tensors['codes.0.0'],
        mass: tensors['mass.0.0'],
        frame: tensors['frame.0.0'],
        matrix: tensors['matrix.0.0'],
      });
      found.push(agreement(name, await runOurs(given), answer));
    }
    const most = (of: (each: Agreement) => number): number => Math.max(...found.map(of));
    rows.push({
      name,
      indices: found.reduce((sum, each) => sum + each.indices, 0),
      output: most((each) => each.output),
      loss: most((each) => each.loss),
      gradient: most((each) => each.gradient),
      ...(found[0]!.codes !== undefined && { codes: most((each) => each.codes!) }),
    });
  }
  return rows;
}

function agreement(name: string, ours: QuantizerRun, answer: Answer): Agreement {
  const theirs = answer as unknown as QuantizerRun;
  const off = (of: (run: QuantizerRun) => readonly number[]): number => deviation(of(ours), of(theirs));
  const onMatrix = ours.matrixGradient === undefined ? 0 : off((run) => run.matrixGradient!);
  return {
    name,
    indices: ours.indices.filter((index, at) => index !== theirs.indices[at]).length,
    output: off((run) => run.output),
    loss: off((run) => [run.loss]),
    gradient: Math.max(
      off((run) => run.zGradient),
      onMatrix,
    ),
    ...(ours.codes !== undefined && { codes: off((run) => run.codes!) }),
  };
}

/** Largest difference, relative to the largest of the second. */
function deviation(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  const scale = Math.max(...b.map(Math.abs)) || 1;
  const worst = Math.max(...b.map((value, index) => Math.abs(a[index]! - value)));
  return Number.isNaN(worst) ? Infinity : worst / scale;
}
