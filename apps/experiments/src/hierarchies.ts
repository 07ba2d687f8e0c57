import type { Backend } from '@ddcl/core/backend';
import { createRandom } from '@ddcl/core';
import { kMeans, encodeTokens, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { adjustedRandIndex, clusteringAccuracy, normalizedMutualInformation } from '@ddcl/core/metrics';
import { fitHierarchy, topics, type DocumentCode, type HierarchySpec, type LevelQuantities } from '@ddcl/hier';
import { inOrder, meanVectors, sourceOf, type LabelledDocuments } from './read-documents.ts';
import { spreadOf } from './statistics.ts';
import { markdownTable, provenance } from './table.ts';

/** A method, and how it is fitted. */
interface Method {
  readonly name: string;
  /** Numbers of prototypes from the first level up; `undefined` for k-means with 10 starts. */
  readonly prototypes: readonly number[] | undefined;
  readonly of: 'vectors' | 'tokens';
  readonly epochs?: number;
}

export const methods: readonly Method[] = [
  { name: 'k-means of mean vectors, 10 starts', prototypes: undefined, of: 'vectors' },
  { name: 'mean vectors, K = 20', prototypes: [20], of: 'vectors' },
  { name: 'mean vectors, K1 = 1 (centred, 64 components), K2 = 20', prototypes: [1, 20], of: 'vectors' },
  { name: 'tokens, K1 = 32, K2 = 20', prototypes: [32, 20], of: 'tokens' },
  { name: 'tokens, K1 = 32, K2 = 20, 15 epochs', prototypes: [32, 20], of: 'tokens', epochs: 15 },
];

/** One fit. */
export interface HierarchyRun {
  readonly method: string;
  readonly seed: number;
  readonly acc: number;
  readonly nmi: number;
  readonly ari: number;
  readonly npmi: number;
  readonly diversity: number;
  /** Of the process, in all threads. */
  readonly cpuSeconds: number;
  /** Between this fit and one of the same seed on shuffled documents; only for the first seed. */
  readonly shuffled?: number;
  readonly history: readonly LevelQuantities[];
}

export interface HierarchyOptions {
  readonly seeds: number;
  readonly topics: number;
  readonly texts: readonly string[];
  readonly stopWords: readonly string[];
  /** Fit shuffled documents too. */
  readonly shuffle: boolean;
  /** Names of methods that are run. */
  readonly only?: readonly string[];
}

/** Fits all methods with each seed, and scores their topics by labels and by words. */
export async function* runHierarchies(
  backend: Backend,
  documents: LabelledDocuments,
  { seeds, topics: count, texts, stopWords, shuffle, only }: HierarchyOptions,
): AsyncGenerator<HierarchyRun> {
  const vectors = meanVectors(documents);
  for (const method of methods.filter(({ name }) => only?.includes(name) ?? true)) {
    const own = method.of === 'vectors' ? vectors : documents;
    const prototypes = method.prototypes?.map((each, level, all) => (level === all.length - 1 ? count : each));
    for (let seed = 0; seed < seeds; seed++) {
      const began = process.cpuUsage();
      const history: LevelQuantities[] = [];
      const codes = await fitOnce(backend, own, prototypes, count, seed, method.epochs, history);
      const { user, system } = process.cpuUsage(began);
      const assigned = Int32Array.from(codes, ({ topic }) => topic);
      const { coherence, diversity } = await topics(prototypesOf(codes, count), count, () => withTexts(codes, texts), {
        stopWords,
        words: { minDocuments: 5, maxShare: 1 },
      });
      const again =
        shuffle && seed === 0 && prototypes !== undefined
          ? await shuffledTopics(backend, own, prototypes, count, method.epochs)
          : undefined;
      yield {
        method: method.name,
        seed,
        acc: clusteringAccuracy(assigned, documents.labels),
        nmi: normalizedMutualInformation(assigned, documents.labels),
        ari: adjustedRandIndex(assigned, documents.labels),
        npmi: coherence,
        diversity,
        cpuSeconds: (user + system) / 1e6,
        ...(again !== undefined && { shuffled: adjustedRandIndex(assigned, again) }),
        history,
      };
    }
  }
}

type Code = Pick<DocumentCode, 'id' | 'topic' | 'q' | 'entropy' | 'distance' | 'vector'>;

async function fitOnce(
  backend: Backend,
  documents: LabelledDocuments,
  prototypes: readonly number[] | undefined,
  count: number,
  seed: number,
  epochs: number | undefined,
  history: LevelQuantities[],
): Promise<Code[]> {
  const { data, dimension } = documents;
  if (prototypes === undefined) {
    const source = tokensFromReader(tokensFromArray(data, dimension));
    const { model } = await kMeans(backend, source, { count, seed, restarts: 10 });
    const codes: Code[] = [];
    for await (const block of encodeTokens(backend, model, source, 'codes'))
      for (const topic of block.data) {
        const q = new Float32Array(count);
        q[topic] = 1;
        const vector = data.slice(codes.length * dimension, (codes.length + 1) * dimension);
        codes.push({ id: String(codes.length), topic, q, entropy: 0, distance: 0, vector });
      }
    return codes;
  }
  const spec: HierarchySpec = { dimension, levels: prototypes.map((each) => ({ prototypes: each })) };
  const codes: Code[] = [];
  await fitHierarchy(backend, spec, sourceOf(documents), {
    seed,
    ...(epochs !== undefined && { epochs }),
    onEpoch: (quantities) => history.push(quantities),
    onDocuments: (some) => codes.push(...some),
  });
  return codes;
}

/** Topics of a fit on the documents in another order, in the order that they had. */
async function shuffledTopics(
  backend: Backend,
  documents: LabelledDocuments,
  prototypes: readonly number[],
  count: number,
  epochs: number | undefined,
): Promise<Int32Array> {
  const order = createRandom(5).permutation(documents.lengths.length);
  const codes = await fitOnce(backend, inOrder(documents, order), prototypes, count, 0, epochs, []);
  const found = new Int32Array(order.length);
  codes.forEach(({ topic }, place) => (found[order[place]!] = topic));
  return found;
}

function* withTexts(codes: readonly Code[], texts: readonly string[]) {
  for (const [index, code] of codes.entries()) yield { ...code, text: texts[index]! };
}

/** Mean vectors of the topics: what the tree is made of. */
function prototypesOf(codes: readonly Code[], count: number): Float32Array {
  const width = codes[0]!.vector.length;
  const [sums, sizes] = [new Float32Array(count * width), new Int32Array(count)];
  for (const { topic, vector } of codes) {
    sizes[topic]! += 1;
    vector.forEach((value, axis) => (sums[topic * width + axis]! += value));
  }
  return sums.map((value, index) => value / Math.max(1, sizes[Math.floor(index / width)]!));
}

const percent = (values: readonly number[]): string => {
  const { mean, min, max } = spreadOf(values.map((value) => 100 * value));
  return `${mean.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;
};

/** The tables of docs/results/hier.md. */
export function hierarchyTables(runs: readonly HierarchyRun[], command: string): string {
  const groups = methods
    .map(({ name }) => runs.filter(({ method }) => method === name))
    .filter((own) => own.length > 0);
  const rows = groups.map((own) => [
    own[0]!.method,
    String(own.length),
    percent(own.map(({ acc }) => acc)),
    percent(own.map(({ nmi }) => nmi)),
    percent(own.map(({ ari }) => ari)),
    spreadOf(own.map(({ npmi }) => npmi)).mean.toFixed(3),
    spreadOf(own.map(({ diversity }) => diversity)).mean.toFixed(2),
    own.flatMap(({ shuffled }) => (shuffled === undefined ? [] : [shuffled.toFixed(3)]))[0] ?? '',
    spreadOf(own.map(({ cpuSeconds }) => cpuSeconds)).mean.toFixed(1),
  ]);
  const levels = groups.flatMap((own) =>
    [...new Set(own.flatMap(({ history }) => history.map(({ level }) => level)))].map((level) => {
      const records = own.flatMap(({ history }) => history.filter((each) => each.level === level));
      return [
        own[0]!.method,
        level,
        String(records.length),
        Math.min(...records.map(({ v }) => v)).toExponential(1),
        Math.max(...records.map(({ defect }) => defect)).toExponential(1),
        records.at(-1)!.temperatureShare.toPrecision(2),
        records.at(-1)!.use.toFixed(2),
        String(records.at(-1)!.distinct),
      ];
    }),
  );
  return `${markdownTable(['method', 'seeds', 'ACC', 'NMI', 'ARI', 'NPMI', 'diversity', 'ARI shuffled', 'CPU s'], rows)}

${markdownTable(['method', 'level', 'moments', 'smallest V', 'largest defect', 'T / T_c', 'use', 'distinct'], levels)}

${provenance(command, 'ort')}
`;
}

/** L_q, L_OLS and V of each level over the epochs of one fit, as a drawing. */
export function dynamicsFigure(history: readonly LevelQuantities[]): string {
  const names = ['lq', 'lols', 'v'] as const;
  const colours = { lq: '#1f77b4', lols: '#d62728', v: '#2ca02c' };
  const levels = [...new Set(history.map(({ level }) => level))];
  const panels = levels.map((level, index) => {
    const own = history.filter((each) => each.level === level);
    const last = Math.max(...own.map(({ epoch }) => epoch));
    const top = Math.max(...own.map(({ lq }) => lq));
    const left = 20 + index * 380;
    const x = (epoch: number): number => left + 40 + (300 * epoch) / last;
    const y = (value: number): number => 270 - (240 * value) / top;
    const lines = names.map(
      (name) =>
        `<polyline fill="none" stroke="${colours[name]}" stroke-width="1.5" points="${own.map((each) => `${x(each.epoch).toFixed(1)},${y(each[name]).toFixed(1)}`).join(' ')}"/>`,
    );
    const ticks = [0, top / 2, top].map(
      (value) => `<text x="${left + 34}" y="${y(value) + 4}" text-anchor="end">${value.toPrecision(2)}</text>`,
    );
    const epochs = [0, last / 2, last].map(
      (epoch) => `<text x="${x(epoch)}" y="286" text-anchor="middle">${epoch.toFixed(0)}</text>`,
    );
    return [
      `<text x="${left + 190}" y="18" text-anchor="middle">level ${level}</text>`,
      `<rect x="${left + 40}" y="30" width="300" height="240" fill="none" stroke="#bbb"/>`,
      ...ticks,
      ...epochs,
      ...lines,
    ].join('\n');
  });
  const legend = names.map(
    (name, index) =>
      `<text x="${60 + index * 90}" y="310" fill="${colours[name]}">${{ lq: 'L_q', lols: 'L_OLS', v: 'V' }[name]}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${40 + levels.length * 380}" height="320" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${[...panels, ...legend].join('\n')}
</svg>
`;
}
