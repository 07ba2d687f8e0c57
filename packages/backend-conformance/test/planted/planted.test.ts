import { describe, expect, it } from 'vitest';
import { plantedFaults } from './faults/all.ts';
import { readPatched } from './plant.ts';
import { survivors } from './survivors.ts';

/* Whether what `npm run check:kit` plants still fits the sources; that takes minutes, this does not. */

const names = plantedFaults.map(({ kind, name }) => `${kind}: ${name}`);

describe('the planted faults', () => {
  it('have names of their own', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('that no case finds are among them, each with a reason', () => {
    for (const [name, reason] of Object.entries(survivors)) {
      expect(names).toContain(name);
      expect(reason.length).toBeGreaterThan(20);
    }
  });

  it.each(plantedFaults.flatMap(({ name, patches = [] }) => patches.map((patch) => [name, patch] as const)))(
    '%s: the place that it changes is there',
    async (_, patch) => {
      expect(await readPatched(patch)).toContain(patch.replace);
    },
  );
});
