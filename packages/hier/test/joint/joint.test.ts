import { cpuBackend } from '@ddcl/backend-cpu';
import { trace } from '@ddcl/core';
import {
  documentsFromArrays,
  fitHierarchy,
  hierarchyToBytes,
  resolveSpec,
  shardSums,
  type DocumentBlock,
  type DocumentSource,
  type LevelQuantities,
  type Passed,
} from '@ddcl/hier';
import { describe, expect, it } from 'vitest';
import { batchRows, jointBatches } from '../../src/joint/batches.ts';
import { sampleDocuments } from '../../src/joint/sample-documents.ts';
import { jointLoss } from '../../src/joint/joint-loss.ts';
import { createAssigner } from '../../src/level/assigner.ts';
import { sumValues } from '../../src/sums/level-sums.ts';
import { corpus, sourceOf } from '../corpora.ts';

const backend = cpuBackend();
const documents = corpus({ documents: 80, dimension: 4, tokens: 6 });

async function run(weight: number, through: boolean) {
  const epochs: LevelQuantities[] = [];
  const spec = { dimension: 4, levels: [{ prototypes: 4 }, { prototypes: 3, weight }] };
  const options = { mode: 'joint' as const, epochs: 2, restarts: 1, through };
  const { model } = await fitHierarchy(backend, spec, sourceOf(documents), {
    ...options,
    onEpoch: (quantities) => epochs.push(quantities),
  });
  return { model, epochs: epochs.filter(({ joint }) => joint) };
}

it('moves all levels together, with the identity at each', async () => {
  const { model, epochs } = await run(1, false);
  expect(epochs.map(({ level, epoch }) => `${level} ${epoch}`)).toEqual([
    'token 1',
    'document 1',
    'token 2',
    'document 2',
  ]);
  for (const { v, lq, lols } of epochs) {
    expect(v).toBeGreaterThanOrEqual(0);
    expect(Math.abs(lq - lols - v) / lq).toBeLessThan(1e-5);
  }
  // Adam does not see by what a loss is multiplied, unless several reach the same prototypes.
  const heavy = await run(100, false);
  const difference = (a: Float64Array, b: Float64Array): number =>
    a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
  const first = ({ model: own }: { model: typeof model }): Float64Array => own.levels[0]!.model.prototypes;
  expect(difference(first({ model }), first(heavy))).toBe(0);
  const through = await run(100, true);
  expect(difference(first({ model }), first(through))).toBeGreaterThan(1e-3);
  // There the weight decides how much the upper level is worth.
  expect(difference(first(await run(1, true)), first(through))).toBeGreaterThan(1e-3);
});

describe('what a joint fit returns', () => {
  const levels = [{ prototypes: 4, group: 'half' }, { prototypes: 3, name: 'half' }, { prototypes: 2 }];
  const halves = Array.from(documents.lengths, (length) => (length > 1 ? [1, length - 1] : [1]));
  const source = documentsFromArrays({ ...documents, groups: { half: halves } });

  it('is measured on the levels that moved', async () => {
    const result = await fitHierarchy(backend, { dimension: 4, levels }, source, {
      mode: 'joint',
      epochs: 3,
      restarts: 1,
      certificate: true,
    });
    const { levels: sums } = await shardSums(result.model, source);
    result.levels.forEach(({ level, joint, lq, hard, items, epoch, stability }, index) => {
      const { scale } = result.model.levels[index]!.model;
      const { losses, wins } = sumValues(sums[index]!);
      expect({ joint, epoch, items }, level).toEqual({ joint: true, epoch: 3, items: sums[index]!.items });
      // float32 on the device.
      expect(Math.abs((losses[0]! * scale ** 2) / items / lq - 1)).toBeLessThan(1e-4);
      expect(Math.abs((losses[1]! * scale ** 2) / items / hard - 1)).toBeLessThan(1e-4);
      expect(Array.from(result.model.levels[index]!.masses, Math.round), level).toEqual(Array.from(wins));
      expect(stability!.curvature.largest).toBeGreaterThan(0);
    });
  });

  it.each<[Passed, boolean]>([
    ['residuals', true],
    ['residuals', false],
    ['summaries', true],
    ['pooled', false],
    ['occupancy', false],
  ])('minimizes what the levels are measured by: %s, normalized %s', async (what, normalize) => {
    const two = [{ prototypes: 4, weight: 0.5, pass: { what, normalize } }, { prototypes: 3 }];
    const own = { dimension: 4, levels: two };
    const { model } = await fitHierarchy(backend, own, sourceOf(documents), { restarts: 1, dtype: 'float64' });
    const resolved = resolveSpec(own);
    const kept = await sampleDocuments(source, resolveSpec(own), 2 ** 24, {});
    const rows = [documents.data.length / 4, 80];
    const ids = Int32Array.from(kept.flatMap(({ length }, index) => Array.from({ length }, () => index)));
    const inputs: Record<string, Float64Array | Int32Array> = {
      tokens: Float64Array.from(kept.flatMap(({ tokens }) => [...tokens])),
      'weights.0': new Float64Array(rows[0]!).fill(1),
      'weights.1': new Float64Array(80).fill(1),
      'ids.0': ids,
    };
    const shapes: Record<string, readonly number[]> = { tokens: [rows[0]!, 4] };
    model.levels.forEach(({ model: { count, dimension, offset }, projection }, level) => {
      inputs[`prototypes.${level}`] = createAssigner(model.levels[level]!.model).prototypes;
      shapes[`prototypes.${level}`] = [count, dimension];
      inputs[`offset.${level}`] = Float64Array.from(offset);
      if (projection === undefined) return;
      inputs[`mean.${level}`] = projection.mean;
      inputs[`axes.${level}`] = Float64Array.from(projection.axes);
      shapes[`axes.${level}`] = [projection.axes.length / projection.mean.length, projection.mean.length];
    });
    const names = Object.keys(inputs);
    const types = names.map((name) => {
      const dtype = inputs[name] instanceof Int32Array ? ('int32' as const) : ('float64' as const);
      return { dtype, shape: shapes[name] ?? [inputs[name]!.length] };
    });
    const program = trace(
      types,
      (...given) => {
        const named = Object.fromEntries(names.map((name, index) => [name, given[index]!]));
        return [jointLoss(resolved, model.levels, rows, false, named, named)];
      },
      'joint',
    );
    const executable = await backend.compile(program);
    const [result] = await executable.run(names.map((name, index) => backend.upload(types[index]!, inputs[name]!)));
    const [found] = await backend.download(result!);
    const sums = (await shardSums(model, source)).levels;
    const expected = sums.reduce((total, level, index) => {
      const { scale } = model.levels[index]!.model;
      return total + (resolved[index]!.weight * sumValues(level).losses[0]! * scale ** 2) / level.items;
    }, 0);
    // Items of the second level are float32 there.
    expect(Math.abs(found! / expected - 1)).toBeLessThan(1e-6);
  });

  it('does not read a block after the next was asked for', async () => {
    const blocks = async function* (): AsyncGenerator<DocumentBlock> {
      for await (const { ids, data, lengths, groups } of source.blocks()) {
        const own = { half: groups!['half']!.map((lengthsOf) => Float64Array.from(lengthsOf)) };
        const tokens = data.slice();
        yield { ids, data: tokens, lengths, groups: own };
        for (const each of own.half) each.fill(NaN);
        tokens.fill(NaN);
      }
    };
    const fit = async (given: DocumentSource): Promise<[Uint8Array, LevelQuantities[]]> => {
      const told: LevelQuantities[] = [];
      const options = { mode: 'joint' as const, epochs: 1, restarts: 1 };
      const { model } = await fitHierarchy(backend, { dimension: 4, levels }, given, {
        ...options,
        onEpoch: (quantities) => told.push(quantities),
      });
      return [hierarchyToBytes(model), told];
    };
    expect(await fit({ ...source, blocks })).toEqual(await fit(source));
  });

  it('takes each item of a batch to its own group, and each group to its own document', async () => {
    const kept = await sampleDocuments(source, resolveSpec({ dimension: 4, levels }), 2 ** 20, {});
    const rows = batchRows(kept, 3);
    const seen: string[] = [];
    for (const { tokens, weights, ids } of jointBatches(kept, rows, { dimension: 4, dtype: 'float32', seed: 1 })) {
      const sums = new Map<number, Map<number, number[]>>();
      for (let token = 0; weights[0]![token] === 1; token++) {
        const half = ids[0]![token]!;
        const document = ids[1]![half]!;
        const own = sums.get(document) ?? new Map<number, number[]>();
        own.set(half, [...(own.get(half) ?? []), tokens[4 * token]!]);
        sums.set(document, own);
        expect([weights[1]![half], weights[2]![document]]).toEqual([1, 1]);
      }
      for (const own of sums.values()) seen.push(JSON.stringify([...own.values()]));
    }
    let token = 0;
    const expected = halves.map((lengthsOf) =>
      JSON.stringify(lengthsOf.map((length) => Array.from({ length }, () => documents.data[4 * token++]!))),
    );
    expect(seen.sort()).toEqual(expected.sort());
  });

  it('keeps no more bytes of documents than memory has', async () => {
    const resolved = resolveSpec({ dimension: 4, levels });
    const kept = await sampleDocuments(source, resolved, 4000, {});
    expect(kept.length).toBeGreaterThan(5);
    expect(kept.length).toBeLessThan(80);
    let bytes = 0;
    for (const { tokens, groups, group } of kept) {
      const own = group('half') as Int32Array;
      expect(own.buffer.byteLength).toBe(4 * own.length);
      bytes += tokens.buffer.byteLength + own.byteLength + groups.reduce((sum, each) => sum + each.byteLength, 0);
    }
    expect(bytes).toBeLessThanOrEqual(2000);
  });
});
