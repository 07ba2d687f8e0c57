import { createRandom } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { tokensFromArray, tokensFromReader, type TokenReader } from '@ddcl/core/fit';
import { fitQuantizer, quantize, resolveSpec } from '@ddcl/vq';
import { usageError } from '../output/usage-error.ts';
import { bytesPerVector, codesOf } from './codes-file.ts';
import { contestantSpec, type Contestant } from './contestants.ts';
import { readRows, type Vectors } from './open-vectors.ts';
import { nearestRows, neighbours, recallOf } from './recall.ts';
import type { StructureOptions } from './spec-options.ts';

/** A line of the table. */
export interface QuantizerRow {
  readonly quantizer: Contestant;
  readonly codes: number;
  readonly bytesPerVector: number;
  /** Mean squared distance to the vector of the codes, of the vectors that it learned from. */
  readonly error: number;
  /** The same of the queries, which it did not see. */
  readonly heldOut: number;
  /** Share of the variance of the vectors that the codes explain. */
  readonly explained: number;
  readonly use: number;
  readonly dead: number;
  readonly perplexity: number;
  /** Share of the 10 nearest vectors of a query that a search among the codes' vectors finds; null without groups or levels. */
  readonly recall10: number | null;
  /** Of the fit. */
  readonly seconds: number;
}

export interface CompareQuantizers {
  readonly backend: Backend;
  readonly reader: TokenReader;
  readonly quantizers: readonly Contestant[];
  readonly codes: readonly number[];
  readonly structure: StructureOptions;
  /** Vectors to learn from and to search among, at most. */
  readonly vectors: number;
  readonly queries: number;
  readonly steps?: number | undefined;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Told what begins, and how much is done, 0..1. */
  readonly onProgress: (what: string, done: number) => void;
  readonly onWarning: (warning: string) => void;
}

export interface QuantizerComparison {
  readonly vectors: number;
  readonly queries: number;
  readonly dimension: number;
  readonly variance: number;
  readonly rows: readonly QuantizerRow[];
}

/**
 * Quantizers on the same vectors. A search with codes compares a query with the vector that the codes stand for (asymmetric distances); with
 * groups that is the sum over groups of table entries, and the same number.
 *
 * @throws DdclError `argument` for too few vectors or what the spec refuses; as `fitQuantizer`
 */
export async function compareQuantizers(asked: CompareQuantizers): Promise<QuantizerComparison> {
  const { backend, codes, quantizers, structure, seed, signal, onProgress } = asked;
  const { base, queries } = await split(asked);
  const { dimension } = base;
  const specs = codes.flatMap((count) =>
    quantizers.map((name) => ({ name, ...contestantSpec(name, { ...structure, codes: count, dimension }) })),
  );
  const source = tokensFromReader(tokensFromArray(base.rows, dimension));
  let truth: ArrayLike<number> | undefined;
  let variance = 0;
  const rows: QuantizerRow[] = [];
  for (const [number, { name, spec, fit }] of specs.entries()) {
    const resolved = resolveSpec(spec);
    const tell = (done: number): void => onProgress(`${name}, ${resolved.codes} codes`, (number + done) / specs.length);
    tell(0);
    const began = performance.now();
    const { state } = await fitQuantizer(backend, source, spec, {
      ...fit,
      seed,
      sample: base.count,
      signal,
      onProgress: tell,
      onWarning: (warning) => asked.onWarning(`${name}: ${warning}`),
      ...(asked.steps !== undefined && { steps: asked.steps }),
    });
    const seconds = (performance.now() - began) / 1000;
    const { hard, report } = await quantize(backend, state, { data: base.rows, shape: [base.count, dimension] });
    const held = await quantize(backend, state, { data: queries.rows, shape: [queries.count, dimension] });
    ({ variance } = report);
    const isSearched = resolved.heads * resolved.depth > 1;
    if (isSearched) truth ??= await nearestRows(backend, queries, base);
    rows.push({
      quantizer: name,
      codes: resolved.codes,
      bytesPerVector: bytesPerVector(codesOf(resolved)),
      error: report.quantization,
      heldOut: held.report.quantization,
      explained: variance > 0 ? 1 - report.quantization / variance : 0,
      use: report.use,
      dead: report.deadCount,
      perplexity: report.perplexity,
      recall10: isSearched
        ? recallOf(truth!, await nearestRows(backend, queries, { rows: hard, count: base.count }))
        : null,
      seconds,
    });
  }
  return { vectors: base.count, queries: queries.count, dimension, variance, rows };
}

/** Vectors to learn from, and queries that are none of them; drawn by the seed. */
async function split({
  reader,
  vectors,
  queries,
  seed,
}: CompareQuantizers): Promise<{ readonly base: Vectors; readonly queries: Vectors }> {
  const held = Math.min(queries, Math.floor(reader.tokens / 10));
  const most = Math.min(vectors, reader.tokens - held);
  if (held < 1 || most < neighbours) {
    throw usageError(
      `A comparison holds a tenth of the vectors out and searches for ${neighbours} neighbours among the rest, but there are only ${reader.tokens}. Give at least ${neighbours + 2}.`,
    );
  }
  const order = createRandom(seed).fork('queries').permutation(reader.tokens);
  const rising = (from: number, count: number): Int32Array =>
    Int32Array.from(order.subarray(from, from + count)).sort();
  return { queries: await readRows(reader, rising(0, held)), base: await readRows(reader, rising(held, most)) };
}
