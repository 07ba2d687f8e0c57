import type { PrimitiveAttributes } from '@ddcl/core/backend';
import type { PlanBuilder } from '../plan/plan-builder.ts';
import { isOne, literal, type Size } from '../wgsl/size.ts';
import { readsOf, type Expression, type Value } from '../wgsl/value.ts';

/** Some tokens, one after the other. */
export interface Chunk {
  readonly first: number;
  readonly rows: Size;
  /** Whether they are all there are. */
  readonly isAll: boolean;
}

/** Rows of a chunk are a multiple of it: then each chunk of a buffer begins where a binding may, in half precision too. */
const rowStep = 128;

/**
 * Cuts n tokens so that what a chunk keeps of each fits the bound of the plan. The last chunk's size is written as a symbol, so that its
 * pipelines serve other lengths.
 *
 * @param bytesPerToken of the largest buffer with rows of tokens
 */
export function chunksOf(plan: PlanBuilder, n: Size, bytesPerToken: number): Chunk[] {
  const rows = rowStep * Math.max(1, Math.floor(plan.limits.chunkBytes / bytesPerToken / rowStep));
  if (rows >= n.value) return [{ first: 0, rows: n, isAll: true }];
  const chunks: Chunk[] = [];
  for (let first = 0; first + rows <= n.value; first += rows) chunks.push({ first, rows: literal(rows), isAll: false });
  const rest = n.value % rows;
  if (rest > 0) chunks.push({ first: n.value - rest, rows: plan.size(`rest_${rest}`, rest), isAll: false });
  return chunks;
}

/** The rows of a chunk of a value [n, ...]. Formulas stay formulas, on rows of what they read. */
export function rowsOf(plan: PlanBuilder, value: Value, chunk: Chunk): Value {
  if (chunk.isAll) return value;
  if (value.kind === 'stored') return plan.view(value, chunk.first, chunk.rows);
  return cutExpression(plan, value, chunk) ?? plan.view(plan.store(value), chunk.first, chunk.rows);
}

/** Undefined where a row of the result is not made of one row of each operand. */
function cutExpression(plan: PlanBuilder, value: Expression, chunk: Chunk): Expression | undefined {
  const { op, inputs, shape } = value;
  const [n] = shape;
  const hasRows = (input: Value): boolean => input.shape[0]?.text === n!.text;
  const rebuilt = (cut: readonly Value[], attributes = value.attributes): Expression => ({
    ...value,
    attributes,
    shape: [chunk.rows, ...shape.slice(1)],
    inputs: cut,
    reads: new Set(cut.flatMap((input) => [...readsOf(input)])),
  });
  const first = inputs[0];
  switch (op) {
    case 'constant':
    case 'iota':
    case 'parts':
      return undefined;
    case 'gather': {
      const ids = inputs[1]!;
      return hasRows(ids) ? rebuilt([first!, rowsOf(plan, ids, chunk)]) : undefined;
    }
    case 'reshape':
      return hasRows(first!) ? rebuilt([rowsOf(plan, first!, chunk)]) : undefined;
    case 'slice': {
      const { starts } = value.attributes as PrimitiveAttributes['slice'];
      return starts[0] === 0 && hasRows(first!) ? rebuilt([rowsOf(plan, first!, chunk)]) : undefined;
    }
    case 'transpose': {
      const { permutation } = value.attributes as PrimitiveAttributes['transpose'];
      return permutation[0] === 0 ? rebuilt([rowsOf(plan, first!, chunk)]) : undefined;
    }
    case 'concat': {
      const { axis } = value.attributes as PrimitiveAttributes['concat'];
      return axis === 0 ? undefined : rebuilt(inputs.map((input) => rowsOf(plan, input, chunk)));
    }
    default:
      return rebuilt(
        inputs.map((input) => {
          const broadcasts = input.shape.length < shape.length || isOne(input.shape[0]!);
          return broadcasts ? input : rowsOf(plan, input, chunk);
        }),
      );
  }
}
