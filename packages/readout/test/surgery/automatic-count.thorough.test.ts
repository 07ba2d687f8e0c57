import { cpuBackend } from '@ddcl/backend-cpu';
import { tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { expect, it } from 'vitest';
import { fitAutomatic } from '../../src/surgery/automatic-count.ts';
import { planted, plantedSets } from './planted.ts';

it('the planted number of clusters is found within one on at least 18 of 20 sets', async ({ annotate }) => {
  const table: { readonly isHit: boolean; readonly text: string }[] = [];
  for (const options of plantedSets) {
    const { clusters, dimension } = options;
    const source = tokensFromReader(tokensFromArray(planted(options).data, dimension));
    const { model, searched } = await fitAutomatic(cpuBackend(), source, { searchSteps: 150, steps: 20, batch: 1024 });
    table.push({
      isHit: Math.abs(clusters - model.count) <= 1,
      text: `${JSON.stringify(options)}: planted ${clusters}, found ${model.count}, searched ${searched.join(' ')}`,
    });
  }
  const report = table.map(({ text }) => text).join('\n');
  await annotate(report, 'report');
  expect(table.filter(({ isHit }) => isHit).length, report).toBeGreaterThanOrEqual(18);
});
