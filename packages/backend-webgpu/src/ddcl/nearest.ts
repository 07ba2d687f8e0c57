import { Arithmetic } from '../compile/arithmetic.ts';
import type { CompositeMaker } from '../compile/compile-program.ts';
import { reduce } from '../compile/kernel-ops.ts';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { literal } from '../wgsl/size.ts';
import type { Stored, Value } from '../wgsl/value.ts';
import { chunksOf, rowsOf } from './chunks.ts';
import { operandOf, TokenChunk } from './token-chunk.ts';
import { runTokenPass } from './token-pass.ts';

const lowest = -3.4028234663852886e38;

/** The nearest prototypes of each token. One is a pass at temperature 1, whose numbers tell it. */
export const nearest: CompositeMaker = (plan, [tokens, prototypes], { k }) => {
  const temperature = plan.constant(Float32Array.of(1), 'f32', []);
  const operands = { tokens: tokens!, prototypes: prototypes!, temperature };
  if (k === 1) return runTokenPass(plan, operands, ['nearest', 'nearestDistance']);
  const { indices, distances } = several(plan, operands, k as number);
  return [() => indices, () => distances];
};

/** Several leave the race one after the other: what was found is the lowest from then on. */
function several(
  plan: PlanBuilder,
  operands: { readonly tokens: Value; readonly prototypes: Value; readonly temperature: Stored },
  k: number,
): { readonly indices: Stored; readonly distances: Stored } {
  const a = new Arithmetic(plan);
  const prototypes = operandOf(plan, operands.prototypes);
  const [n, count] = [operands.tokens.shape[0]!, prototypes.shape[0]!];
  const shape = [n, literal(k)];
  const [indices, distances] = [plan.make('i32', shape), plan.make('f32', shape)];
  const [rows, squares] = [plan.make('f32', [n, literal(4)]), plan.make('f32', [n])];
  const places = a.iota([literal(1), count], 1);
  for (const part of chunksOf(plan, n, 4 * count.value)) {
    const cut = <Kind extends Value>(value: Kind): Kind => rowsOf(plan, value, part) as Kind;
    const numbers = { rows: cut(rows), squares: cut(squares) };
    const tokens = operandOf(plan, rowsOf(plan, operands.tokens, part));
    const chunk = new TokenChunk(plan, { ...operands, tokens, prototypes }, numbers, { keepsLogits: true });
    const found: Value[] = [];
    const lengths: Value[] = [];
    let closeness: Value = chunk.logits;
    const over = (op: 'argMax' | 'max'): Value =>
      chunk.asColumn(reduce(plan, { op, input: closeness, axes: [1] }, [part.rows]));
    for (let place = 0; place < k; place++) {
      const [index, most] = [over('argMax'), over('max')];
      found.push(index);
      lengths.push(a.of('maximum', a.sub(chunk.asColumn(numbers.squares), most), a.number(0)));
      if (place + 1 < k) closeness = plan.store(a.select(a.equal(index, places), a.number(lowest), closeness));
    }
    plan.write(a.columns(found), cut(indices));
    plan.write(a.columns(lengths), cut(distances));
  }
  return { indices, distances };
}
