import { afterAll, describe, expect, it } from 'vitest';
import { conformanceCases } from '../../src/conformance-cases.ts';
import { plantedFaults } from './faults/all.ts';
import { hunt, reality } from './hunt.ts';
import { survivors } from './survivors.ts';

/*
 * `npm run check:kit`: plants each fault, shows that it is one, and asks the suite until a case finds it. Takes minutes, so `npm test` only looks
 * whether the faults still fit the sources (planted.test.ts).
 */

const cases = conformanceCases();
const found = new Map<string, string>();
const names = plantedFaults.map(({ kind, name }) => `${kind}: ${name}`);

describe('a planted fault', () => {
  it.each(plantedFaults.map((fault, index) => [names[index]!, fault] as const))('%s', async (name, fault) => {
    expect(await reality(fault), 'its own small program sees no difference: it is no fault').toBeDefined();
    const caught = await hunt(fault, cases);
    if (caught !== undefined) found.set(name, caught.outcome.id);
    // One that is listed and found is to be taken off the list.
    expect(caught === undefined, `listed as a survivor, and found by ${found.get(name)}`).toBe(name in survivors);
  });
});

it('of 100 at least 95 are found, of at least 20 kinds', () => {
  expect(new Set(plantedFaults.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(20);
  expect(plantedFaults.length).toBeGreaterThanOrEqual(100);
  expect(found.size / plantedFaults.length).toBeGreaterThanOrEqual(0.95);
});

afterAll(() => {
  const rows = names.map(
    (name) => `${name.padEnd(90)} ${found.get(name) ?? `NOT FOUND (${survivors[name] ?? 'no reason given'})`}`,
  );
  process.stdout.write(`${[...rows, `${found.size} of ${plantedFaults.length} faults found`].join('\n')}\n`);
});
