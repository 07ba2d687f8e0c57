import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runExample, type ExampleOutput } from './run-example.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ddcl-tfjs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const seeds = [0, 1, 2];

async function both(name: string): Promise<{ readonly layer: ExampleOutput[]; readonly plain: ExampleOutput[] }> {
  const [layer, plain]: [ExampleOutput[], ExampleOutput[]] = [[], []];
  for (const seed of seeds) {
    layer.push(await runExample(name, [join(folder, `${name}-${seed}`)], seed));
    plain.push(await runExample(name, [join(folder, `${name}-plain-${seed}`), '--plain'], seed));
  }
  for (const { records } of layer) {
    expect(Math.min(...records.map(({ v }) => v))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...records.map(({ defect }) => defect))).toBeLessThan(1e-4);
  }
  return { layer, plain };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

it('the text classifier is as often right as with the mean, over three seeds', async () => {
  const { layer, plain } = await both('text-classifier');
  const [own, theirs] = [layer, plain].map((all) => all.map(({ accuracy }) => accuracy!)) as [number[], number[]];
  expect(mean(own)).toBeGreaterThanOrEqual(mean(theirs) - spread(theirs));
});

it('the autoencoder with codes is nearer to the images without noise than the one without codes, over three seeds', async () => {
  const { layer, plain } = await both('image-autoencoder');
  const [own, theirs] = [layer, plain].map((all) => all.map(({ errorToClean }) => errorToClean!)) as [
    number[],
    number[],
  ];
  expect(Math.max(...own)).toBeLessThan(Math.min(...theirs));
});
