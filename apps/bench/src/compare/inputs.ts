import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@ddcl/core';
import type { StepShape } from '../measure/step.ts';

/** What every contestant is given; also as raw little-endian float32 files in `folder`. */
export interface Inputs {
  readonly shape: StepShape;
  /** [N, m], centred. */
  readonly tokens: Float32Array;
  readonly weights: Float32Array;
  /** [K, m]. */
  readonly prototypes: Float32Array;
  readonly temperature: number;
  readonly folder: string;
  remove(): void;
}

/** Clusters that the tokens are drawn around. */
const clusters = 32;

/**
 * Tokens around 32 centres and prototypes near some of them, at a temperature where assignments are neither uniform nor one-hot: typical
 * of the middle of an annealed fit.
 */
export function makeInputs(shape: StepShape): Inputs {
  const { tokens: n, dimension, prototypes: count } = shape;
  const random = createRandom(n + dimension + count);
  const centres = Float32Array.from({ length: clusters * dimension }, () => random.normal());
  const around = (rows: number, spread: number): Float32Array =>
    Float32Array.from({ length: rows * dimension }, (_, index) => {
      const cluster = Math.floor(index / dimension) % clusters;
      return centres[cluster * dimension + (index % dimension)]! + spread * random.normal();
    });
  const tokens = around(n, 0.5);
  const prototypes = around(count, 0.3);
  for (let axis = 0; axis < dimension; axis++) {
    let mean = 0;
    for (let row = 0; row < n; row++) mean += tokens[row * dimension + axis]! / n;
    for (let row = 0; row < n; row++) tokens[row * dimension + axis]! -= mean;
    for (let row = 0; row < count; row++) prototypes[row * dimension + axis]! -= mean;
  }
  const folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-'));
  const weights = new Float32Array(n).fill(1);
  for (const [name, data] of Object.entries({ tokens, weights, prototypes })) writeFileSync(join(folder, name), data);
  return {
    shape,
    tokens,
    weights,
    prototypes,
    temperature: 0.2 * dimension,
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
