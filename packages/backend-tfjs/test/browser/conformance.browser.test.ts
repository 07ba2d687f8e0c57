import { runConformance } from '@ddcl/backend-conformance';
import { expect, it } from 'vitest';
import { tfjsBackend } from '../../src/index.ts';
import { tf } from './tf.ts';

/** WebGL is in software here, and a few of its shaders take seconds to compile: every so manieth case of the list, in which those of an op follow each other. */
const every = 48;

/** int32 in textures of floats: whole numbers beyond 2^24 lose digits already where they are uploaded. Ops whose results happen to be right pass. */
const reason = 'tfjs webgl holds int32 in textures of float32, which have 24 bits';
const lossy: Readonly<Record<string, readonly string[]>> = {
  add: ['<8> of a number that float32 cannot hold'],
  mul: ['<8> x <8> wraps around'],
  select: ['<8> x <8> of numbers that float32 cannot hold', '<8> x <8> x <8> by conditions whose low bits are 0'],
  sum: ['<8> wraps around', '<5> of numbers that float32 cannot hold'],
  argMax: ['<4> of numbers that float32 cannot hold'],
  broadcastTo: ['<8> of numbers that float32 cannot hold'],
  segmentSum: ['<8> x <8> wraps around'],
};
const ids = Object.entries(lossy).flatMap(([op, cases]) => cases.map((each) => `magnitude/${op}/int32/${each}`));

it('passes a part of the suite on tfjs webgl in Chromium, but for int32 beyond 2^24', async () => {
  expect(await tf.setBackend('webgl')).toBe(true);
  let seen = 0;
  const only = ({ id }: { readonly id: string }): boolean => seen++ % every === 0 || ids.includes(id);
  const deviations = ids.map((id) => ({ case: id, reason }));
  const outcomes = await runConformance(() => tfjsBackend({ tf }), { only, deviations });
  expect(
    outcomes
      .filter(({ status }) => status === 'deviation')
      .map(({ id }) => id)
      .sort(),
  ).toEqual([...ids].sort());
  expect(outcomes.filter(({ status }) => status === 'failed')).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(75);
}, 600_000);
