import { Arithmetic } from '../compile/arithmetic.ts';
import type { CompositeMaker } from '../compile/compile-program.ts';
import { reduce } from '../compile/kernel-ops.ts';
import { literal } from '../wgsl/size.ts';
import type { Stored, Value } from '../wgsl/value.ts';
import { chunksOf, rowsOf } from './chunks.ts';
import { operandOf, TokenChunk, type PullSums } from './token-chunk.ts';

/**
 * `H U` (docs/math.md section 3, second order) in logits. With `e_k = 2 (p.U - z.U) / T`, its mean `e` under q, and `c = sum_k q e_k (x - s)`
 * the derivative of w along U is `-q ((e_k - e) (2 + x - s) - c)`; it pulls as w does, and w itself weighs U.
 */
export const hessianProduct: CompositeMaker = (plan, [tokens, weightsOf, prototypesOf, temperatureOf, direction]) => {
  const a = new Arithmetic(plan);
  const prototypes = operandOf(plan, prototypesOf!);
  const [weights, temperature] = [plan.store(weightsOf!), plan.store(temperatureOf!)];
  const n = tokens!.shape[0]!;
  const [k, m] = [prototypes.shape[0]!, prototypes.shape[1]!];
  const [rows, squares] = [plan.make('f32', [n, literal(4)]), plan.make('f32', [n])];
  const along = plan.store(a.of('div', a.mul(direction!, a.number(2)), temperature));
  const own = a.reshape(reduce(plan, { op: 'sum', input: a.mul(prototypes, along), axes: [1] }, [k]), [literal(1), k]);
  const mass = plan.make('f32', [k]);
  let sums: PullSums | undefined;
  for (const part of chunksOf(plan, n, 4 * k.value)) {
    const cut = <Kind extends Value>(value: Kind): Kind => rowsOf(plan, value, part) as Kind;
    const operands = { tokens: operandOf(plan, rowsOf(plan, tokens!, part)), prototypes, temperature };
    const numbers = { rows: cut<Stored>(rows), squares: cut<Stored>(squares) };
    const chunk = new TokenChunk(plan, operands, numbers, { keepsLogits: true });
    const { shares, centred } = chunk;
    const weight = chunk.asColumn(cut(weights));
    const change = plan.store(a.sub(own, chunk.product(chunk.tokens, along, true)));
    const shared = plan.store(a.mul(shares, change));
    const mean = chunk.asColumn(chunk.rowSums(shared));
    const tilt = chunk.asColumn(chunk.rowSums(a.mul(shared, centred)));
    const bend = a.sub(a.mul(a.sub(change, mean), a.add(centred, a.number(2))), tilt);
    const derivative = plan.store(a.of('neg', a.mul(a.mul(shares, weight), plan.store(bend))));
    const adds = sums !== undefined;
    sums ??= chunk.pullSums();
    chunk.pull(derivative, chunk.tokens, sums, adds);
    reduce(plan, { op: 'sum', input: a.mul(chunk.slopes, weight), axes: [0] }, [k], mass, adds);
  }
  const { partial, totals } = sums!;
  const asColumn = (x: Value): Value => a.reshape(x, [k, literal(1)]);
  const pulled = a.sub(a.mul(asColumn(a.parts(totals, [k])), prototypes), a.parts(partial, [k, m]));
  const result = a.mul(a.add(pulled, a.mul(asColumn(mass), direction!)), a.number(2));
  return [() => result];
};
