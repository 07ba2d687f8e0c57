import { encodeTokens, kMeans, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { adjustedRandIndex, clusteringAccuracy, normalizedMutualInformation } from '@ddcl/core/metrics';
import type { Backend } from '@ddcl/core/backend';
import { readDocumentMeans } from './document-means.ts';
import { runFit } from './run-fits.ts';
import { agreement, spreadOf, type Spread } from './statistics.ts';
import { formatSpread, markdownTable, provenance } from './table.ts';

/** What one method did over its seeds. */
export interface ClusterOutcome {
  readonly method: string;
  readonly seeds: number;
  readonly acc: Spread;
  readonly nmi: Spread;
  readonly ari: Spread;
  readonly hard: Spread;
  /** Mean adjusted Rand index between seeds. */
  readonly agreement: number;
}

interface Run {
  readonly codes: Int32Array;
  readonly hard: number;
}

function summarise(method: string, runs: readonly Run[], labels: readonly string[]): ClusterOutcome {
  return {
    method,
    seeds: runs.length,
    acc: spreadOf(runs.map(({ codes }) => clusteringAccuracy(codes, labels))),
    nmi: spreadOf(runs.map(({ codes }) => normalizedMutualInformation(codes, labels))),
    ari: spreadOf(runs.map(({ codes }) => adjustedRandIndex(codes, labels))),
    hard: spreadOf(runs.map(({ hard }) => hard)),
    agreement: agreement(runs.map(({ codes }) => codes)),
  };
}

/** Clusters documents by their normalized mean vectors: k-means, and annealed prototypes with default settings. */
export async function documentClusters(
  backend: Backend,
  { folders, prototypes, seeds }: { folders: readonly string[]; prototypes: number; seeds: number },
  say: (text: string) => void,
): Promise<{ readonly outcomes: ClusterOutcome[]; readonly documents: number; readonly empty: number }> {
  const { data, dimension, labels, empty } = await readDocumentMeans(folders);
  const source = tokensFromReader(tokensFromArray(data, dimension));
  const [plain, annealed]: [Run[], Run[]] = [[], []];
  for (let seed = 0; seed < seeds; seed++) {
    const { model, meanSquaredDistance: hard } = await kMeans(backend, source, { count: prototypes, seed });
    const codes = new Int32Array(labels.length);
    let place = 0;
    for await (const block of encodeTokens(backend, model, source, 'codes')) {
      codes.set(block.data, place);
      place += block.rows;
    }
    plain.push({ codes, hard });
    annealed.push(await runFit(backend, data, dimension, { prototypes, seed, records: 2 }));
    say(`seed ${seed}: hard error ${hard.toFixed(5)} (k-means), ${annealed.at(-1)!.hard.toFixed(5)} (annealed)`);
  }
  return {
    outcomes: [summarise('k-means', plain, labels), summarise('annealed prototypes', annealed, labels)],
    documents: labels.length,
    empty,
  };
}

/** The page for docs/results. */
export function documentClustersPage(
  { outcomes, documents, empty }: Awaited<ReturnType<typeof documentClusters>>,
  prototypes: number,
  command: string,
): string {
  const rows = outcomes.map(({ method, acc, nmi, ari, hard, agreement: same }) => [
    method,
    formatSpread(acc),
    formatSpread(nmi),
    formatSpread(ari),
    formatSpread(hard, 5),
    same.toFixed(3),
  ]);
  return `# Clustering documents by their mean vectors

Each document's mean token vector (all-MiniLM-L6-v2), of length 1, is one token; K = ${prototypes}; ${documents.toLocaleString('en')} documents, ${empty}
without tokens left out. Mean ± deviation (range) over ${outcomes[0]!.seeds} seeds, one run each, none chosen. Agreement is the mean adjusted Rand index
between seeds.

${markdownTable(['method', 'ACC', 'NMI', 'ARI', 'hard error', 'agreement'], rows)}

${provenance(command, 'ort')}
`;
}
