import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { toFloat16, writeSafetensors } from '@ddcl/core/safetensors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentClusters, documentClustersPage } from '../src/document-clusters.ts';
import { readDocumentMeans } from '../src/document-means.ts';

let folder = '';
const [documents, m] = [90, 5];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ddcl-clusters-'));
  const random = createRandom(1);
  const offsets = BigInt64Array.from({ length: documents + 1 }, (_, d) => BigInt(d * 3));
  const labels = Int32Array.from({ length: documents }, (_, d) => d % 3);
  // The class is a direction; document 4 has no tokens.
  offsets[5] = offsets[4]!;
  const tokens = Float32Array.from({ length: documents * 3 * m }, (_, i) => {
    const document = Math.floor(i / (3 * m));
    return (i % m === document % 3 ? 4 : 0) + 0.3 * random.normal();
  });
  const bytes = writeSafetensors(
    new Map([
      ['tokens', { dtype: 'F16', shape: [documents * 3, m], data: toFloat16(tokens) }],
      ['offsets', { dtype: 'I64', shape: [documents + 1], data: offsets }],
      ['labels', { dtype: 'I32', shape: [documents], data: labels }],
    ]),
    { labelNames: '["x","y","z"]' },
  );
  await writeFile(join(folder, 'tokens-00000.safetensors'), bytes);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('document clusters', () => {
  it('reads means of length 1 and leaves documents without tokens out', async () => {
    const { data, labels, empty } = await readDocumentMeans([folder]);
    expect([labels.length, empty]).toEqual([documents - 1, 1]);
    expect(labels.slice(0, 5)).toEqual(['x', 'y', 'z', 'x', 'z']);
    for (let row = 0; row < labels.length; row++)
      expect(Math.hypot(...data.subarray(row * m, (row + 1) * m))).toBeCloseTo(1, 12);
  });

  it('finds directions by both methods', async () => {
    const found = await documentClusters(cpuBackend(), { folders: [folder], prototypes: 3, seeds: 2 }, () => {});
    for (const { acc, agreement, method } of found.outcomes) {
      expect(acc.mean, method).toBeGreaterThan(0.6);
      expect(agreement).toBeGreaterThan(0);
    }
    expect(found.outcomes[1]!.acc.min).toBe(1);
    expect(documentClustersPage(found, 3, 'COMMAND')).toContain('| annealed prototypes | 1.000 |');
  });
});
