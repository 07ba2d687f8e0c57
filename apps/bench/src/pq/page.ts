import type { PageFrame } from '../k-means/page.ts';
import type { PqComparison, PqRun } from './compare-pq.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function tableOf(runs: readonly PqRun[], variance: number): string {
  const header = ['', 'recall@10', 'error', 'variance explained', 'seconds to learn'];
  const rows = runs.map(({ contestant, distortion, recall, seconds }) => [
    contestant.startsWith('ddcl') ? `\`${contestant}\`` : contestant,
    recall.toFixed(4),
    distortion.toPrecision(4),
    `${(100 * (1 - distortion / variance)).toFixed(2)} %`,
    seconds.toFixed(1),
  ]);
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(line).join('\n');
}

/** The page `docs/results/product-quantization.md`. */
export function formatPq(
  { vectors, dimension, queries, variance, versions, runs }: PqComparison,
  frame: PageFrame,
): string {
  const sections = [...new Set(runs.map(({ groups }) => groups))].map(
    (count) =>
      `## ${count} bytes a vector\n\n${tableOf(
        runs.filter(({ groups }) => groups === count),
        variance,
      )}\n`,
  );
  return `# Product quantization beside faiss

${frame.date}. ${frame.machine}. ${frame.versions}, ${versions}. Made by \`${frame.command}\`.

${vectors.toLocaleString('en')} vectors of dimension ${dimension}, total variance ${variance.toFixed(4)}, and ${queries.toLocaleString('en')} queries that are none of them. Every contestant has 256 codes a group and learns from the same
vectors; recall@10 is the share of a query's 10 nearest vectors (exact search) that are among the 10 whose codes' vectors are nearest to it (asymmetric distances), counted by faiss for all alike.
Seconds of ddcl are those of the whole command \`ddcl vq fit\`, of faiss those of \`train\` (25 iterations).

${sections.join('\n')}`;
}
