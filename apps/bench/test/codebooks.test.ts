import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { expect, it } from 'vitest';
import { requireAll } from '../src/compare/compare-shape.ts';
import { compareCodebooks, type CodebookTimings, type CodebookWork } from '../src/codebooks/compare-codebooks.ts';
import { nearestContestants } from '../src/codebooks/nearest.ts';
import { formatCodebooks } from '../src/codebooks/page.ts';
import { codebookStepProgram } from '../src/codebooks/step.ts';

const shape = { tokens: 40, dimension: 3, codes: 4 };
const works: CodebookWork[] = [
  { part: 'nearest', shape },
  { part: 'step', shape },
  { part: 'encode', shape: { vectors: 30, dimension: 8, groups: 2 } },
];
const frame = { date: '2026-01-01', machine: 'a machine', versions: 'some', command: 'bench', threads: 2 };

it('has each contestant once per round, and gives all back', async () => {
  const backend = cpuBackend();
  const compared = await compareCodebooks(backend, works, { rounds: 2, threads: 1, python: undefined });
  expect(compared.map(({ work, timings }) => [work.part, timings.map(({ rounds }) => rounds)])).toEqual([
    ['nearest', [2, 2]],
    ['step', [2]],
    ['encode', [2]],
  ]);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
});

it('compares none that finds codes farther off', async () => {
  const contestants = await nearestContestants(cpuBackend(), shape, { threads: 1, rounds: 1 });
  await requireAll(contestants);
  const { check } = contestants[1]!;
  const wrong = async () => {
    const { distance } = (await check!()) as { distance: ArrayLike<number> };
    return { distance: Array.from(distance, (value, token) => (token === 7 ? value + 0.1 : value)) };
  };
  await expect(requireAll([contestants[0]!, { ...contestants[1]!, check: wrong }])).rejects.toThrow(
    'differs in distance',
  );
  for (const contestant of contestants) contestant.dispose();
});

it('steps with the gradients of L_q + <y, u>', async () => {
  const backend = cpuBackend();
  const executable = await backend.compile(codebookStepProgram(shape));
  const random = createRandom(0);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const [z, p, u] = [draw(120), draw(12), draw(120)];
  const temperature = 1.5;
  const sizes = [[40, 3], [40], [4, 3], [], [40, 3]];
  const run = async (): Promise<ArrayLike<number>[]> => {
    const data = [z, new Float32Array(40).fill(1), p, Float32Array.of(temperature), u];
    const buffers = data.map((each, index) => backend.upload({ dtype: 'float32', shape: sizes[index]! }, each));
    return Promise.all((await executable.run(buffers)).map((buffer) => backend.download(buffer)));
  };
  /** L_q + <y, u> by loops in float64. */
  const objective = (): number => {
    let total = 0;
    for (let token = 0; token < 40; token++) {
      const d = [0, 1, 2, 3].map((code) =>
        [0, 1, 2].reduce((sum, axis) => sum + (z[token * 3 + axis]! - p[code * 3 + axis]!) ** 2, 0),
      );
      const e = d.map((value) => Math.exp(-value / temperature));
      const mass = e.reduce((sum, value) => sum + value, 0);
      for (let code = 0; code < 4; code++) {
        const inner = [0, 1, 2].reduce((sum, axis) => sum + p[code * 3 + axis]! * u[token * 3 + axis]!, 0);
        total += (e[code]! / mass) * (d[code]! + inner);
      }
    }
    return total;
  };
  const [, , byTokens, byCodes] = await run();
  for (const [given, gradient, at] of [
    [z, byTokens, 50],
    [p, byCodes, 7],
  ] as const) {
    const [before, h] = [given[at]!, 2 ** -10];
    given[at] = before + h;
    const [above, up] = [objective(), given[at]!];
    given[at] = before - h;
    const slope = (above - objective()) / (up - given[at]!);
    given[at] = before;
    // Central differences of a smooth function at h = 1e-3, and float32 sums of 40 terms of order 1.
    expect(Math.abs(gradient![at]! - slope)).toBeLessThan(1e-4 * Math.max(1, Math.abs(slope)));
  }
  executable.dispose();
  backend.dispose();
});

it('writes sections into a page, and leaves those of other parts', () => {
  const timing = (name: string, median: number) =>
    ({
      name,
      work: 'encode',
      eager: false,
      rounds: 3,
      milliseconds: { median, min: median / 2, max: 2 * median },
    }) as const;
  const of = (work: CodebookWork, median: number): CodebookTimings => ({
    work,
    timings: [timing('ours', 2000), timing('theirs', median)],
  });
  const first = formatCodebooks([of(works[0]!, 5000), of(works[2]!, 1000)], frame);
  expect(first).toContain('| theirs | 5.00 | 2.50 | 10.0 | 3 | 2.50 x |');
  const second = formatCodebooks([of(works[2]!, 3000), of(works[1]!, 4000)], { ...frame, date: '2026-02-02' }, first);
  expect(second.match(/^## .*/gm)).toEqual([
    '## Nearest of 4 codes, 40 tokens of 3 numbers',
    '## Product quantization of 30 vectors of 8 numbers into 2 bytes',
    '## Training step of 4 codes, 40 tokens of 3 numbers',
  ]);
  expect(second).toContain('| theirs | 5.00 |');
  expect(second).not.toContain('| theirs | 1.00 |');
  expect(second).toContain('| theirs | 3.00 | 1.50 | 6.00 | 3 | 1.50 x |');
  expect([second.match(/2026-01-01/g)!.length, second.match(/2026-02-02/g)!.length]).toEqual([1, 2]);
  expect(formatCodebooks([], frame, second)).toBe(second);
});
