import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { readSafetensors, toFloat16, writeSafetensors } from '@ddcl/core/safetensors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeatShards } from '../src/fit/repeat-shards.ts';
import { formatFit, timeFit } from '../src/fit/time-fit.ts';

const [tokens, dimension] = [600, 8];
let folder = '';
let shards = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ddcl-bench-test-'));
  shards = join(folder, 'shards');
  mkdirSync(shards);
  const random = createRandom(1);
  const encoder = {
    encoder: 'none',
    hash: '0'.repeat(64),
    dtype: 'fp32',
    maxTokens: 9,
    dropSpecial: false,
    textField: null,
    stripHtml: false,
    dimension,
  };
  for (const shard of [0, 1]) {
    const data = toFloat16(Float32Array.from({ length: tokens * dimension }, () => random.normal()));
    const offsets = BigInt64Array.of(0n, 100n, BigInt(tokens));
    const hash = createHash('sha256').update(new Uint8Array(data.buffer)).update(new Uint8Array(offsets.buffer));
    hash.update(JSON.stringify([dimension, 'float16', null]));
    const tensors = new Map([
      ['tokens', { dtype: 'F16' as const, shape: [tokens, dimension], data }],
      ['offsets', { dtype: 'I64' as const, shape: [3], data: offsets }],
    ]);
    const metadata = {
      format: 'ddcl.token-shards',
      formatVersion: '1',
      shard: String(shard),
      last: String(shard === 1),
      encoder: JSON.stringify(encoder),
      counts: JSON.stringify({ documents: 2, tokens, truncated: 0, empty: 0 }),
      sha256: hash.digest('hex'),
    };
    writeFileSync(join(shards, `tokens-0000${shard}.safetensors`), writeSafetensors(tensors, metadata));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('repeatShards', () => {
  it('numbers the copies and marks the last one', () => {
    const to = join(folder, 'copies');
    expect(repeatShards(shards, to, 3)).toBe(6 * tokens);
    const names = readdirSync(to).sort();
    expect(names).toHaveLength(6);
    names.forEach((name, index) => {
      const { metadata, tensors } = readSafetensors(readFileSync(join(to, name)));
      expect([metadata['shard'], metadata['last']]).toEqual([String(index), String(index === 5)]);
      const from = readSafetensors(readFileSync(join(shards, `tokens-0000${index % 2}.safetensors`)));
      expect(tensors.get('tokens')!.data).toEqual(from.tensors.get('tokens')!.data);
    });
  });

  it('says what to do about a folder without shards', () => {
    expect(() => repeatShards(folder, join(folder, 'none'), 1)).toThrow(/has no token shards.*encode-tokens/);
  });
});

describe('timeFit', () => {
  it('measures a fit on all copies in a process of its own', async () => {
    const backend = cpuBackend();
    const timing = await timeFit(backend, { shards, copies: 2, prototypes: 4, epochs: 3, backend: 'cpu' });
    expect(timing).toMatchObject({ tokens: 4 * tokens, dimension, prototypes: 4, epochs: 3 });
    const { statistics, fit, measure, stability } = timing.phases;
    for (const phase of [statistics, fit, measure, stability]) expect(phase).toBeGreaterThan(0);
    // The phases are parts of the command, which also loads and writes.
    expect(statistics + fit + measure + stability).toBeLessThan(timing.seconds);
    expect(timing.fitRate).toBeCloseTo((12 * tokens) / fit, 6);
    expect(timing.commandRate).toBeLessThan(timing.fitRate);
    if (process.platform === 'linux') expect(timing.memory.points.length).toBeGreaterThan(0);
    expect(formatFit(timing)).toMatch(/steps of fit .* % of the bare step\n/);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
