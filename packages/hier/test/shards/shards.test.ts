import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import {
  documentsFromArrays,
  encodeDocuments,
  fitHierarchy,
  hierarchyToBytes,
  mergeShards,
  shardFromBytes,
  shardSums,
  shardToBytes,
  type HierarchyModel,
  type ShardSums,
} from '@ddcl/hier';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDocumentKeys, sharedDocuments } from '../../src/shards/document-keys.ts';
import { sumValues } from '../../src/sums/level-sums.ts';
import { corpus, pick, sourceOf, thrown } from '../corpora.ts';

const documents = corpus({ documents: 210 });
let model: HierarchyModel;
let shards: ShardSums[];

beforeAll(async () => {
  const spec = { dimension: 8, levels: [{ prototypes: 6, temperature: { ofCritical: 0.1 } }, { prototypes: 4 }] };
  const options = { epochs: 1, restarts: 1, dtype: 'float64' as const };
  ({ model } = await fitHierarchy(cpuBackend(), spec, sourceOf(documents), options));
  shards = [];
  for (let shard = 0; shard < 7; shard++) {
    const own = Array.from({ length: 210 }, (_, document) => document).filter((document) => document % 7 === shard);
    shards.push(shardFromBytes(shardToBytes(await shardSums(model, sourceOf(pick(documents, own))))));
  }
});

describe('seven shards', () => {
  it('make the step of the whole, bit for bit, in any order', async () => {
    const whole = mergeShards(model, [await shardSums(model, sourceOf(documents))]);
    expect(hierarchyToBytes(whole)).not.toEqual(hierarchyToBytes(model));
    expect(hierarchyToBytes(mergeShards(model, shards))).toEqual(hierarchyToBytes(whole));
    const mixed = createRandom(3).shuffle([...shards]);
    expect(hierarchyToBytes(mergeShards(model, mixed))).toEqual(hierarchyToBytes(whole));
    const shuffled = await shardSums(model, sourceOf(pick(documents, createRandom(2).permutation(210))));
    expect(shardToBytes(shuffled)).toEqual(shardToBytes(await shardSums(model, sourceOf(documents))));
  });

  it('make the gradient step of docs/math.md section 3, computed here from distances', () => {
    const { model: own } = model.levels[0]!;
    const { prototypes, temperature, count, dimension } = own;
    const [mass, pulls] = [new Float64Array(count), new Float64Array(count * dimension)];
    for (let start = 0; start < documents.data.length; start += dimension) {
      const z = Array.from(documents.data.subarray(start, start + dimension));
      const d = Array.from({ length: count }, (_, k) =>
        z.reduce((sum, value, axis) => sum + (value - prototypes[k * dimension + axis]!) ** 2, 0),
      );
      const least = Math.min(...d);
      const weights = d.map((own_) => Math.exp((least - own_) / temperature));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const q = weights.map((weight) => weight / total);
      const l = q.reduce((sum, share, k) => sum + share * d[k]!, 0);
      q.forEach((share, k) => {
        const w = share * (1 - (d[k]! - l) / temperature);
        mass[k]! += w;
        z.forEach((value, axis) => (pulls[k * dimension + axis]! += w * value));
      });
    }
    const rate = 0.5;
    const merged = mergeShards(model, shards, { rate }).levels[0]!.model.prototypes;
    merged.forEach((value, index) => {
      const k = Math.floor(index / dimension);
      const gradient = 2 * (mass[k]! * prototypes[index]! - pulls[index]!);
      const expected = prototypes[index]! - (rate * gradient) / (2 * mass[k]!);
      // Each document is rounded to 2^-28 of the spread.
      expect(Math.abs(value - expected)).toBeLessThan(1e-7);
    });
  });

  it('leave each prototype the items that are nearest to it', async () => {
    const counts = model.levels.map(({ model: own }) => new Float64Array(own.count));
    for await (const some of encodeDocuments(model, sourceOf(documents)))
      for (const { levels } of some)
        levels.forEach(({ codes }, level) => codes.forEach((code) => (counts[level]![code]! += 1)));
    expect(mergeShards(model, shards).levels.map(({ masses }) => masses)).toEqual(counts);
  });

  it('take a document of more tokens than can be summed at once', async () => {
    const flat = { dimension: 1, levels: [{ prototypes: 1, temperature: 0.1 }] };
    const near = documentsFromArrays({
      data: Float32Array.from({ length: 64 }, (_, index) => index % 2),
      dimension: 1,
    });
    const { model: own } = await fitHierarchy(cpuBackend(), flat, near, { restarts: 1 });
    const { scale, prototypes } = own.levels[0]!.model;
    // 30 spreads out: 4,096 squared distances of 900 are within the range of a sum, 6,000 are not.
    const token = Math.fround(prototypes[0]! + 30 * scale);
    const long = documentsFromArrays({ data: new Float32Array(6000).fill(token), dimension: 1, lengths: [6000] });
    const [sums] = (await shardSums(own, long)).levels;
    const { losses, wins } = sumValues(sums!);
    const expected = 6000 * ((token - prototypes[0]!) / scale) ** 2;
    // float64, less what the frame rounds.
    expect(Math.abs(losses[1]! / expected - 1)).toBeLessThan(1e-9);
    expect(wins).toEqual(Float64Array.of(6000));
  });

  it('are small, whatever the number of documents', () => {
    expect(shardToBytes(shards[0]!).length).toBeLessThan(16 * (6 * 8 + 4 * 48) + 4096);
  });
});

describe('refuses', () => {
  it('shards of another model, and the same one twice', async () => {
    const other = mergeShards(model, shards);
    expect(await thrown(() => mergeShards(other, shards))).toMatch(
      /^data: Shard 1 was made with the model [\da-f]{16}, but this is [\da-f]{16}\. Make all shards with the model that they are merged into\.$/,
    );
    expect(await thrown(() => mergeShards(model, [shards[0]!, shards[1]!, shards[0]!]))).toBe(
      'data: Shards 1 and 3 hold the same 30 documents, which would count twice. Leave one out.',
    );
    expect(await thrown(() => mergeShards(model, []))).toBe(
      'argument: shards must be a list of at least one, but is a list of 0.',
    );
    const none = await shardSums(model, sourceOf(pick(documents, [])));
    expect(await thrown(() => mergeShards(model, [none, none]))).toBe(
      'data: The shards hold no document with tokens, so there is nothing to go to. Give at least one that does.',
    );
    expect(hierarchyToBytes(mergeShards(model, [none, ...shards]))).toEqual(
      hierarchyToBytes(mergeShards(model, shards)),
    );
    expect(await thrown(() => mergeShards(model, shards, { rate: 0 }))).toBe(
      'argument: rate must be a number > 0 and <= 1, but is 0.',
    );
  });

  it('documents of another encoder or width', async () => {
    const named = { ...sourceOf(documents), encoder: { name: 'b', hash: '2' } };
    const known = { ...model, spec: { ...model.spec, encoder: { name: 'a', hash: '1' } } };
    expect(await thrown(() => shardSums(known, named))).toBe(
      'data: The model was fitted with the encoder a (1), but the documents come from b (2). Use the same encoder.',
    );
    const wide = documentsFromArrays({ data: new Float32Array(18), dimension: 9 });
    expect(await thrown(() => shardSums(model, wide))).toMatch(/^shape: The model takes tokens of dimension 8, but/);
  });

  it('shares that overlap, whatever documents are called and however many they are', async () => {
    const sums = (from: number, to: number): Promise<ShardSums> => {
      const own = pick(
        documents,
        Array.from({ length: to - from }, (_, index) => from + index),
      );
      return shardSums(model, documentsFromArrays({ ...own, ids: own.ids.map((id) => `again-${id}`) }));
    };
    const warnings: string[] = [];
    const onWarning = (warning: string): void => void warnings.push(warning);
    const [one, two] = [await sums(0, 100), await sums(90, 210)];
    expect(await thrown(() => mergeShards(model, [one, two]))).toBe(
      'data: Shards 1 and 2 (100 and 120 documents) have 10 documents in common, which count twice. Divide the corpus into parts that have none, or allow it (shared) where it holds documents twice.',
    );
    expect(mergeShards(model, [one, two], { shared: true, onWarning }).documents).toBe(220);
    expect(warnings).toEqual([
      'Shards 1 and 2 (100 and 120 documents) have 10 documents in common, which count twice.',
    ]);
    mergeShards(model, [one, await sums(100, 200)], { onWarning });
    expect(warnings[1]).toBe(
      'The shards hold 200 documents, the model is of 210: if they are to be the same, a shard is missing. Sums of numbered parts tell which.',
    );
    expect(warnings).toHaveLength(2);
    // 10,000 of 20,000 and of 15,000 are the same: seen by the smallest 4,096 keys of each. One text of many that comes twice is none.
    const key = (index: number): number => (index * 6_364_136_223_846_793) % 2 ** 53;
    const many = (from: number, to: number) => {
      const keys = createDocumentKeys();
      for (let index = from; index < to; index++) keys.add(key(index));
      return { keys: keys.result(), documents: to - from };
    };
    const [shared] = sharedDocuments([many(0, 20_000), many(10_000, 25_000)]);
    expect(Math.abs(shared!.documents / 10_000 - 1)).toBeLessThan(0.1);
    expect(shared).toMatchObject({ shards: [0, 1], isMany: true });
    expect(sharedDocuments([many(0, 2000), many(1999, 4000)])).toEqual([
      { shards: [0, 1], documents: 1, isMany: false },
    ]);
    expect(sharedDocuments([many(0, 20_000), many(20_000, 40_000)])).toEqual([]);
  });

  it('numbered parts that are missing, come twice or are of another division', async () => {
    const numbered = (number: number, of: number, shard: number): ShardSums =>
      shardFromBytes(shardToBytes({ ...shards[shard]!, part: { number, of } }));
    const three = [numbered(1, 3, 0), numbered(2, 3, 1), numbered(3, 3, 2)] as const;
    expect(mergeShards(model, three).documents).toBe(90);
    expect(await thrown(() => mergeShards(model, [three[0], three[2]]))).toBe(
      'data: Of 3 parts one is missing: 2. Give all parts.',
    );
    expect(await thrown(() => mergeShards(model, [numbered(2, 13, 0)]))).toBe(
      'data: Of 13 parts 12 are missing: 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 2 more. Give all parts.',
    );
    // What a file says of its division costs nothing, and a part beyond it is none.
    expect(await thrown(() => mergeShards(model, [numbered(1, 9_999_999_999, 0)]))).toBe(
      'data: Of 9999999999 parts 9999999998 are missing: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 9999999988 more. Give all parts.',
    );
    expect(await thrown(() => numbered(5, 2, 0))).toMatch(/^format: .*it says that it is part 5\/2/);
    const bytes = shardToBytes({ ...shards[0]!, part: { number: 1, of: 3 } });
    const place = new TextDecoder('latin1').decode(bytes).indexOf('"1/3"');
    bytes[place + 1] = '2'.charCodeAt(0);
    expect(await thrown(() => shardFromBytes(bytes))).toMatch(/checksum does not fit/);
    expect(await thrown(() => mergeShards(model, [...three, numbered(2, 3, 3)]))).toBe(
      'data: Shards 2 and 4 are both part 2 of 3. Give each part once.',
    );
    expect(await thrown(() => mergeShards(model, [three[0], shards[1]!]))).toBe(
      'data: Shard 1 is part 1 of 3, but shard 2 has no number. Give all parts of one division.',
    );
    expect(await thrown(() => shardSums(model, sourceOf(documents), { part: { number: 4, of: 3 } }))).toBe(
      'argument: There is no part 4 of 3. Give a number from 1 to 3.',
    );
    expect((await shardSums(model, sourceOf(documents), { part: { number: 3, of: 3 } })).part).toEqual({
      number: 3,
      of: 3,
    });
  });

  it('a document too far out to be summed', async () => {
    const far = { ...pick(documents, [0]), data: new Float32Array(documents.lengths[0]! * 8).fill(1e30) };
    expect(await thrown(() => shardSums(model, sourceOf(far)))).toMatch(
      /^data: A sum takes numbers below 4194304, but .* came: a document lies too far from those that the model was fitted on\.$/,
    );
  });

  it('bytes that are damaged', async () => {
    const bytes = shardToBytes(shards[0]!);
    bytes[bytes.length - 3]! ^= 1;
    expect(await thrown(() => shardFromBytes(bytes))).toBe(
      'format: These are not sums of a shard of format version 2: its checksum does not fit what it holds, so it is damaged. Give bytes that shardToBytes wrote.',
    );
    expect(await thrown(() => shardFromBytes(hierarchyToBytes(model)))).toBe(
      'format: These are not sums of a shard of format version 2: its metadata has no "format": "ddcl.hierarchy-shard". Give bytes that shardToBytes wrote.',
    );
  });
});
