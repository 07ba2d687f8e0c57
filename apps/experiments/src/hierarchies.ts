import { isDeepStrictEqual } from 'node:util';
import type { Backend } from '@ddcl/core/backend';
import { createRandom } from '@ddcl/core';
import { kMeans, encodeTokens, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { adjustedRandIndex, clusteringAccuracy, normalizedMutualInformation } from '@ddcl/core/metrics';
import {
  documentsFromArrays,
  encodeDocuments,
  fitHierarchy,
  topics,
  type DocumentCode,
  type HierarchyModel,
  type HierarchySpec,
  type LevelQuantities,
} from '@ddcl/hier';
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
  /** Share of documents that encoded alone have all numbers of the fit, bit for bit; only for the first seed. */
  readonly alone?: number;
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
  /** Fits that were made before, and are not made again. */
  readonly isDone: (method: string, seed: number) => boolean;
  /** Fits of other programs. */
  readonly peers: readonly PeerRun[];
  /** Told of what each fit of its own gave. */
  readonly onCodes?: (method: string, seed: number, codes: readonly Code[]) => void;
}

/** A fit of another program, as `apps/bench/peers/topics_peer.py` writes it. */
export interface PeerRun {
  readonly method: string;
  readonly seed: number;
  /** Of each document; -1 for none. */
  readonly topics: readonly number[];
  readonly cpuSeconds: number;
  /** With the same seed on shuffled documents, in the order that they had. */
  readonly shuffled?: readonly number[];
}

/** Fits all methods with each seed, and scores their topics by labels and by words. */
export async function* runHierarchies(
  backend: Backend,
  documents: LabelledDocuments,
  { seeds, topics: count, texts, stopWords, shuffle, only, isDone, peers, onCodes }: HierarchyOptions,
): AsyncGenerator<HierarchyRun> {
  const vectors = meanVectors(documents);
  const scores = async (codes: readonly Code[]) => {
    const assigned = Int32Array.from(codes, ({ topic }) => topic);
    const most = Math.max(...assigned) + 1;
    const { coherence, diversity } = await topics(prototypesOf(codes, most), most, () => withTexts(codes, texts), {
      stopWords,
      words: { minDocuments: 5, maxShare: 1 },
    });
    return {
      acc: clusteringAccuracy(assigned, documents.labels),
      nmi: normalizedMutualInformation(assigned, documents.labels),
      ari: adjustedRandIndex(assigned, documents.labels),
      npmi: coherence,
      diversity,
    };
  };
  for (const { method, seed, topics: assigned, cpuSeconds, shuffled } of peers) {
    if (isDone(method, seed)) continue;
    const codes = hardCodes(assigned, vectors);
    const again = shuffled && { shuffled: adjustedRandIndex(Int32Array.from(assigned), Int32Array.from(shuffled)) };
    yield { method, seed, ...(await scores(codes)), cpuSeconds, ...again, history: [] };
  }
  for (const method of methods.filter(({ name }) => only?.includes(name) ?? true)) {
    const own = method.of === 'vectors' ? vectors : documents;
    const prototypes = method.prototypes?.map((each, level, all) => (level === all.length - 1 ? count : each));
    for (let seed = 0; seed < seeds; seed++) {
      if (isDone(method.name, seed)) continue;
      const began = process.cpuUsage();
      const history: LevelQuantities[] = [];
      const { codes, model } = await fitOnce(backend, own, prototypes, count, seed, method.epochs, history);
      const { user, system } = process.cpuUsage(began);
      onCodes?.(method.name, seed, codes);
      const assigned = Int32Array.from(codes, ({ topic }) => topic);
      const isFirst = shuffle && seed === 0;
      const again =
        isFirst && prototypes !== undefined
          ? await shuffledTopics(backend, own, prototypes, count, method.epochs)
          : undefined;
      yield {
        method: method.name,
        seed,
        ...(await scores(codes)),
        cpuSeconds: (user + system) / 1e6,
        ...(again !== undefined && { shuffled: adjustedRandIndex(assigned, again) }),
        ...(isFirst && model !== undefined && { alone: await equalAlone(model, own, codes) }),
        history,
      };
    }
  }
}

export type Code = Pick<DocumentCode, 'id' | 'topic' | 'q' | 'entropy' | 'distance' | 'vector'>;

async function fitOnce(
  backend: Backend,
  documents: LabelledDocuments,
  prototypes: readonly number[] | undefined,
  count: number,
  seed: number,
  epochs: number | undefined,
  history: LevelQuantities[],
): Promise<{ readonly codes: Code[]; readonly model?: HierarchyModel }> {
  const { data, dimension } = documents;
  if (prototypes === undefined) {
    const source = tokensFromReader(tokensFromArray(data, dimension));
    const { model } = await kMeans(backend, source, { count, seed, restarts: 10 });
    const assigned: number[] = [];
    for await (const block of encodeTokens(backend, model, source, 'codes')) assigned.push(...block.data);
    return { codes: hardCodes(assigned, documents) };
  }
  const spec: HierarchySpec = { dimension, levels: prototypes.map((each) => ({ prototypes: each })) };
  const codes: Code[] = [];
  const { model } = await fitHierarchy(backend, spec, sourceOf(documents), {
    seed,
    ...(epochs !== undefined && { epochs }),
    onEpoch: (quantities) => history.push(quantities),
    onDocuments: (some) => codes.push(...some),
  });
  return { codes, model };
}

/** What other programs say of documents that are one vector each. */
function hardCodes(assigned: readonly number[], { data, dimension }: LabelledDocuments): Code[] {
  const count = Math.max(...assigned) + 1;
  return assigned.map((topic, index) => {
    const q = new Float32Array(count);
    if (topic >= 0) q[topic] = 1;
    const vector = data.slice(index * dimension, (index + 1) * dimension);
    return { id: String(index), topic, q, entropy: 0, distance: 0, vector };
  });
}

/** Share of the documents that encoded alone, each in a pass of its own, give what the fit told. */
async function equalAlone(model: HierarchyModel, all: LabelledDocuments, codes: readonly Code[]): Promise<number> {
  const { data, dimension, lengths } = all;
  let [equal, first] = [0, 0];
  for (const [index, told] of codes.entries()) {
    const tokens = data.slice(first, (first += lengths[index]! * dimension));
    const source = documentsFromArrays({ data: tokens, dimension, lengths: [lengths[index]!], ids: [told.id] });
    for await (const [alone] of encodeDocuments(model, source)) if (isDeepStrictEqual(alone, told)) equal += 1;
  }
  return equal / codes.length;
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
  const { codes } = await fitOnce(backend, inOrder(documents, order), prototypes, count, 0, epochs, []);
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
  const names = new Set([...methods.map(({ name }) => name), ...runs.map(({ method }) => method)]);
  const groups = [...names].map((name) => runs.filter(({ method }) => method === name)).filter((own) => own.length > 0);
  const rows = groups.map((own) => [
    own[0]!.method,
    String(own.length),
    percent(own.map(({ acc }) => acc)),
    percent(own.map(({ nmi }) => nmi)),
    percent(own.map(({ ari }) => ari)),
    spreadOf(own.map(({ npmi }) => npmi)).mean.toFixed(3),
    spreadOf(own.map(({ diversity }) => diversity)).mean.toFixed(2),
    own.flatMap(({ shuffled }) => (shuffled === undefined ? [] : [shuffled.toFixed(3)]))[0] ?? '',
    own.flatMap(({ alone }) => (alone === undefined ? [] : [`${(100 * alone).toFixed(2)} %`]))[0] ?? '',
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
  return `${markdownTable(['method', 'seeds', 'ACC', 'NMI', 'ARI', 'NPMI', 'diversity', 'ARI shuffled', 'alone as in the fit', 'CPU s'], rows)}

${markdownTable(['method', 'level', 'moments', 'smallest V', 'largest defect', 'T / T_c', 'use', 'distinct'], levels)}

${provenance(command, 'ort')}
`;
}
