import { expect, it } from 'vitest';
import { runConformance } from '../../src/index.ts';
import { inexactBackend, inexactTolerances } from '../support/inexact.ts';

it('a backend with errors of 4 ulp in exp and log passes the whole suite with two tolerances', async () => {
  const outcomes = await runConformance(() => inexactBackend(), { tolerances: inexactTolerances });
  expect(outcomes.length).toBeGreaterThan(5000);
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
});
