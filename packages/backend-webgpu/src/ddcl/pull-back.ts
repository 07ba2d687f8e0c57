import type { PlanBuilder } from '../plan/plan-builder.ts';
import type { Stored, Value } from '../wgsl/value.ts';
import type { PullSums, TokenChunk } from './token-chunk.ts';

/** Cotangents of what a chunk gave. */
export interface Cotangents {
  /** `u_n`, that of the token's error, [n]; undefined for 0. */
  readonly direct: Value | undefined;
  /** `F / T`, F that of the outputs, [n, m]; undefined for 0. */
  readonly flow: Stored | undefined;
}

/** Where gradients go; what is undefined is not wanted. */
export interface PullBackTargets {
  /** `2 (u z - D P)`, [n, m]; what else flows to tokens is the caller's. */
  readonly tokens?: ((value: Value) => void) | undefined;
  /** `D^T Z`, and `q^T F / T`. */
  readonly prototypes?: { readonly pull: PullSums; readonly mixed: PullSums | undefined } | undefined;
  /** `sum_k D (x - s)` of each token. */
  readonly temperature?: Stored | undefined;
  /** Whether sums are added to what is there. */
  readonly adds: boolean;
}

/**
 * A vector-Jacobian product (docs/math.md section 3) in logits, of which distances are `|z|^2 - T x`. With `f_k = F.p_k / T` and
 * `s = sum_k q x` the derivative by d_k is `D = q (u (1 + x - s) - f + sum_k q f)`, whose rows sum to u.
 */
export function pullBack(
  plan: PlanBuilder,
  chunk: TokenChunk,
  { direct, flow }: Cotangents,
  { tokens, prototypes, temperature, adds }: PullBackTargets,
): void {
  const { arithmetic: a, centred, shares } = chunk;
  const factors: Value[] = [];
  const own = direct && chunk.asColumn(direct);
  if (own !== undefined) factors.push(a.mul(own, a.add(a.number(1), centred)));
  if (flow !== undefined) {
    const along = chunk.product(flow, chunk.prototypes, true);
    const mean = chunk.asColumn(chunk.rowSums(a.mul(shares, along)));
    factors.push(a.sub(mean, along));
  }
  const factor = factors.length === 0 ? a.mul(centred, a.number(0)) : factors.reduce((x, y) => a.add(x, y));
  const derivative = plan.store(a.mul(shares, factor));
  if (temperature !== undefined) chunk.rowSums(a.mul(derivative, centred), temperature);
  if (prototypes !== undefined) {
    chunk.pull(derivative, chunk.tokens, prototypes.pull, adds);
    if (flow !== undefined) chunk.pull(shares, flow, prototypes.mixed!, adds);
  }
  if (tokens === undefined) return;
  const mixture = a.mul(chunk.product(derivative, chunk.prototypes, false), a.number(-2));
  tokens(own === undefined ? mixture : a.add(a.mul(a.mul(chunk.tokens, own), a.number(2)), mixture));
}
