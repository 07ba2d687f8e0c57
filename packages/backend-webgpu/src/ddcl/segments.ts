import { Arithmetic } from '../compile/arithmetic.ts';
import type { CompositeMaker } from '../compile/compile-program.ts';
import { segmentSum } from '../compile/kernel-ops.ts';
import { matmulKernel, withSharedSizes } from '../kernels/product/matmul.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal, type Size } from '../wgsl/size.ts';
import type { Stored, Value } from '../wgsl/value.ts';
import { chunksOf, rowsOf } from './chunks.ts';
import { operandOf, tileFor, TokenChunk } from './token-chunk.ts';

/** Assignments with their weights `a_n q_nk` [n, K], with the tokens and segments that they are of, chunk by chunk. */
function forEachChunk(
  plan: PlanBuilder,
  [tokens, weights, prototypesOf, temperature, ids]: readonly Value[],
  visit: (chunk: TokenChunk, weighted: Value, ids: Stored, adds: boolean) => void,
): void {
  const prototypes = operandOf(plan, prototypesOf!);
  const [n, k] = [tokens!.shape[0]!, prototypes.shape[0]!];
  const all = { weights: plan.store(weights!), ids: plan.store(ids!), temperature: plan.store(temperature!) };
  const [rows, squares] = [plan.make('f32', [n, literal(4)]), plan.make('f32', [n])];
  chunksOf(plan, n, 4 * k.value).forEach((part, index) => {
    const cut = (value: Stored): Stored => rowsOf(plan, value, part) as Stored;
    const operands = {
      tokens: operandOf(plan, rowsOf(plan, tokens!, part)),
      prototypes,
      temperature: all.temperature,
    };
    const numbers = { rows: cut(rows), squares: cut(squares) };
    const chunk = new TokenChunk(plan, operands, numbers, { keepsLogits: true });
    const weighted = chunk.arithmetic.mul(chunk.shares, chunk.asColumn(cut(all.weights)));
    visit(chunk, weighted, cut(all.ids), index > 0);
  });
}

function addMass(plan: PlanBuilder, weighted: Value, ids: Stored, mass: Stored, adds: boolean): void {
  const [segments] = mass.shape;
  segmentSum(plan, [weighted, ids], { segments: segments!.value, sorted: false }, mass.shape, { target: mass, adds });
}

export const segmentMass: CompositeMaker = (plan, inputs, { segments }) => [
  () => {
    const mass = plan.make('f32', [literal(segments as number), inputs[2]!.shape[0]!]);
    forEachChunk(plan, inputs, (_chunk, weighted, ids, adds) => addMass(plan, weighted, ids, mass, adds));
    return mass;
  },
];

/** The sums are a product for each segment, of assignments that are 0 outside of it. */
export const segmentSums: CompositeMaker = (plan, inputs, { segments }) => {
  const a = new Arithmetic(plan);
  const count = literal(segments as number);
  const [k, m] = inputs[2]!.shape as [Size, Size];
  const [mass, sums] = [plan.make('f32', [count, k]), plan.make('f32', [count, k, m])];
  const one = literal(1);
  forEachChunk(plan, inputs, (chunk, weighted, ids, adds) => {
    addMass(plan, weighted, ids, mass, adds);
    const isMember = a.toFloat32(a.equal(a.reshape(ids, [one, chunk.n, one]), a.iota([count, one, one], 0)));
    const call = withSharedSizes({
      a: { value: a.mul(a.reshape(weighted, [one, chunk.n, k]), isMember), transposed: true },
      b: { value: chunk.tokens, transposed: false },
      batch: [count],
      rows: k,
      columns: m,
      inner: chunk.n,
      adds,
    });
    const { tile } = tileFor(plan, k, m, chunk.n);
    plan.dispatch(matmulKernel(plan.symbols, call, { tile, splits: 1 }, sums));
  });
  return [() => mass, () => sums];
};
