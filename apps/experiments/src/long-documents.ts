import type { Backend } from '@ddcl/core/backend';
import { compressTokens, lossMap, type CompressedTokens } from '@ddcl/hier';
import { maxSimScores, normalizeVectors, packVectors, wardPool } from '@ddcl/readout';
import type { LongText } from './long-texts.ts';
import { markdownTable, provenance } from './table.ts';

/** What one method did at one number of vectors. */
export interface LongOutcome {
  readonly method: string;
  /** Per document; all tokens where undefined. */
  readonly budget: number | undefined;
  readonly documents: number;
  readonly queries: number;
  /** Share of the sentences whose own document has the highest score. */
  readonly recall: number;
  /** Mean of 1 / rank of the own document. */
  readonly reciprocal: number;
  /** Mean squared distance of normalized tokens to the nearest vector. */
  readonly lost: number;
  readonly seconds: number;
}

export interface LongResults {
  readonly outcomes: readonly LongOutcome[];
  readonly tokens: number;
  /** The map of what was lost of the first document, at the first budget. */
  readonly map: string;
  readonly subjects: readonly string[];
}

/** Vectors of each document, of length 1. */
type Method = (text: LongText, budget: number, seed: number) => Promise<Float32Array>;

/** Retrieves the sentences of long documents by MaxSim from what is left of them, among the first four documents and among all. */
export async function longDocuments(
  backend: Backend,
  texts: readonly LongText[],
  { budgets, seeds }: { budgets: readonly number[]; seeds: number },
  say: (text: string) => void,
): Promise<LongResults> {
  const outcomes: LongOutcome[] = [];
  const whole = texts.map(({ tokens, dimension }) => normalized(tokens, dimension));
  const add = async (
    method: string,
    budget: number | undefined,
    sets: readonly Float32Array[],
    seconds: number,
  ): Promise<void> => {
    for (const documents of new Set([4, texts.length])) {
      const { recall, reciprocal, queries } = await retrieve(backend, texts.slice(0, documents), sets);
      const lost = meanOf(
        texts.slice(0, documents).map(({ dimension }, index) => nearestLoss(whole[index]!, sets[index]!, dimension)),
      );
      outcomes.push({ method, budget, documents, queries, recall, reciprocal, lost, seconds });
      say(
        `${method} ${budget ?? ''}, ${documents} documents: recall ${(100 * recall).toFixed(2)}, lost ${lost.toFixed(4)}, ${seconds.toFixed(1)} s`,
      );
    }
  };
  await add('all tokens', undefined, whole, 0);
  let first: CompressedTokens | undefined;
  const compressed: Method = async ({ tokens, dimension }, budget, seed) => {
    const made = await compressTokens(backend, tokens, dimension, budget, { seed });
    first ??= made;
    return made.vectors;
  };
  const withoutContext: Method = async ({ tokens, dimension }, budget, seed) =>
    (await compressTokens(backend, tokens, dimension, budget, { seed, context: { reach: 0, weight: 0 } })).vectors;
  const ward: Method = async ({ tokens, dimension }, budget) => wardPool(tokens, dimension, budget).data;
  const stretches: Method = async ({ tokens, dimension }, budget) => stretchMeans(tokens, dimension, budget);
  for (const budget of budgets) {
    for (let seed = 0; seed < seeds; seed++) await run(`prototypes, seed ${seed}`, compressed, budget, seed);
    for (let seed = 0; seed < seeds; seed++)
      await run(`prototypes without context, seed ${seed}`, withoutContext, budget, seed);
    await run('Ward pooling', ward, budget, 0);
    await run('means of equal stretches', stretches, budget, 0);
  }
  const [{ text, spans, subject }] = texts as [LongText];
  const title = `${subject}: ${spans.length.toLocaleString('en')} tokens as ${first!.shape[0]} vectors`;
  return {
    outcomes,
    tokens: spans.length,
    map: lossMap(text, spans, first!.lost, { title }),
    subjects: texts.map((each) => each.subject),
  };

  async function run(name: string, method: Method, budget: number, seed: number): Promise<void> {
    const began = process.cpuUsage();
    const sets: Float32Array[] = [];
    for (const each of texts) sets.push(await method(each, budget, seed));
    const { user, system } = process.cpuUsage(began);
    await add(name, budget, sets, (user + system) / 1e6 / texts.length);
  }
}

async function retrieve(
  backend: Backend,
  texts: readonly LongText[],
  sets: readonly Float32Array[],
): Promise<{ recall: number; reciprocal: number; queries: number }> {
  const { dimension } = texts[0]!;
  const queries: Float32Array[] = [];
  const owner: number[] = [];
  texts.forEach(({ queries: all, offsets }, document) => {
    for (let index = 0; index + 1 < offsets.length; index++) {
      queries.push(normalized(all.subarray(offsets[index]! * dimension, offsets[index + 1]! * dimension), dimension));
      owner.push(document);
    }
  });
  let [hits, reciprocal] = [0, 0];
  const documents = packVectors(sets.slice(0, texts.length), dimension);
  for await (const { start, queries: count, scores } of maxSimScores(
    backend,
    packVectors(queries, dimension),
    documents,
  )) {
    for (let row = 0; row < count; row++) {
      const own = owner[start + row]!;
      const line = scores.subarray(row * texts.length, (row + 1) * texts.length);
      // A tie counts against the document.
      const rank = line.reduce(
        (above, score, document) => above + (document !== own && score >= line[own]! ? 1 : 0),
        1,
      );
      hits += rank === 1 ? 1 : 0;
      reciprocal += 1 / rank;
    }
  }
  return { recall: hits / queries.length, reciprocal: reciprocal / queries.length, queries: queries.length };
}

function normalized(rows: Float32Array, dimension: number): Float32Array {
  const copy = rows.slice();
  normalizeVectors(copy, dimension);
  return copy;
}

/** Means of as many stretches of the text, of about equal length. */
export function stretchMeans(tokens: Float32Array, dimension: number, budget: number): Float32Array {
  const points = normalized(tokens, dimension);
  const rows = points.length / dimension;
  const count = Math.min(budget, rows);
  const means = new Float32Array(count * dimension);
  for (let row = 0; row < rows; row++) {
    const stretch = Math.floor((row * count) / rows);
    for (let axis = 0; axis < dimension; axis++) means[stretch * dimension + axis]! += points[row * dimension + axis]!;
  }
  normalizeVectors(means, dimension);
  return means;
}

/** Mean of `2 - 2 cos` to the nearest vector, both of length 1. */
function nearestLoss(points: Float32Array, vectors: Float32Array, dimension: number): number {
  if (vectors.length >= points.length) return 0;
  let total = 0;
  for (let row = 0; row < points.length; row += dimension) {
    let best = -Infinity;
    for (let vector = 0; vector < vectors.length; vector += dimension) {
      let cosine = 0;
      for (let axis = 0; axis < dimension; axis++) cosine += points[row + axis]! * vectors[vector + axis]!;
      best = Math.max(best, cosine);
    }
    total += 2 - 2 * best;
  }
  return total / (points.length / dimension);
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The tables as a page. */
export function longDocumentsPage({ outcomes, tokens, subjects }: LongResults, command: string): string {
  const tables = [...new Set(outcomes.map(({ documents }) => documents))].map((documents) => {
    const own = outcomes.filter((each) => each.documents === documents);
    const rows = own.map(({ method, budget, recall, reciprocal, lost, seconds }) => [
      method,
      budget === undefined ? tokens.toLocaleString('en') : String(budget),
      `${(100 * recall).toFixed(2)} %`,
      (100 * reciprocal).toFixed(2),
      budget === undefined ? '0' : lost.toFixed(4),
      budget === undefined ? '' : seconds.toFixed(2),
    ]);
    const header = ['vectors from', 'vectors a document', 'recall@1', 'MRR', 'lost', 'CPU seconds a document'];
    return `## ${documents} documents, ${own[0]!.queries.toLocaleString('en')} sentences\n\n${markdownTable(header, rows)}`;
  });
  return `# Long documents in few vectors

The first ${tokens.toLocaleString('en')} tokens of messages of 20 Newsgroups (all-MiniLM-L6-v2, windows of 90 words), compressed by \`compressTokens\` of @ddcl/hier, by Ward pooling and as means of equal stretches of the text. Queries are the
documents' own sentences of 5 to 60 words, encoded alone; a sentence is found if its document has the highest MaxSim score. Lost is the mean of 2 - 2 cos of the tokens to the nearest vector. Documents: ${subjects.join('; ')}.

Prototypes are fitted to the tokens of one document, by default together with where they stand (32 tokens to each side at weight 1, chosen on these documents among that, 16 at 0.5, and none). Without it a token loses least, less than by Ward pooling; with it sentences are found better, as
they are by equal stretches, which lose most. The time is that of one thread; Ward pooling's grows with the square of the tokens.

${tables.join('\n\n')}

What was lost of each token of the first document, drawn by \`lossMap\` (\`--map\`): names, addresses and rare words lose most.

![The beginning of a text, darker where more was lost](long-documents.png)

${provenance(command, 'ort')}
`;
}
