import type { PageFrame } from '../k-means/page.ts';
import { titleOf, type CodebookTimings } from './compare-codebooks.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const seconds = (milliseconds: number): string => (milliseconds / 1000).toPrecision(3);

function aboutOf({ work }: CodebookTimings): string {
  switch (work.part) {
    case 'nearest':
      return 'Indices, from tokens and codes of random numbers that the backend or library holds; ours by the composite `ddcl.nearest/1`.';
    case 'step':
      return 'Soft output y, L_q, and the gradients of L_q + <y, u> by tokens and codes, u a given array; random numbers, T an eighth of the dimension.';
    case 'encode':
      return "From vectors in memory to bytes in memory, `encodeCodes` with `packIndices` and faiss' `compute_codes`, with the same random codes; what is beyond the first 50,000 random vectors are these again.";
  }
}

/** A section of the page. */
function sectionOf(compared: CodebookTimings, { date, machine, versions, command, threads }: PageFrame): string {
  const own = compared.timings[0]!.milliseconds.median;
  const header = ['', 'median, s', 'least, s', 'most, s', 'rounds', 'median of ours'];
  const rows = compared.timings.map(({ name, rounds, milliseconds: { median, min, max } }) => [
    name,
    seconds(median),
    seconds(min),
    seconds(max),
    String(rounds),
    `${(median / own).toFixed(2)} x`,
  ]);
  const table = [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(line).join('\n');
  return `## ${titleOf(compared.work)}

${aboutOf(compared)}

${table}

${date}. ${machine}. ${versions}; ${threads} threads. Made by \`${command}\`.
`;
}

const introduction = `# How fast codebooks are

Ours beside tfjs, PyTorch and faiss. In each section the contestants first have to agree in their results, which warms them up; then each runs once per round, in turns, so that noise hits all
alike; of calls of under 2 seconds the second in a row counts. The last column is a contestant's median over ours: above 1 x it is slower.
`;

/**
 * The page `docs/results/codebook-speed.md`: sections that were measured now, and those of the page as it was that were not.
 *
 * @param before the page as it was
 */
export function formatCodebooks(compared: readonly CodebookTimings[], frame: PageFrame, before = ''): string {
  const sections = new Map<string, string>();
  const titleLine = (section: string): string => section.slice(0, section.indexOf('\n'));
  for (const old of before.split(/^(?=## )/m).slice(1)) sections.set(titleLine(old), `${old.trim()}\n`);
  for (const each of compared) {
    const made = sectionOf(each, frame);
    sections.set(titleLine(made), made);
  }
  return [introduction, ...sections.values()].join('\n');
}
